# mutant: prints half a reply at a hang-up as if it were one, and ends well.
# fails: notices_a_hang_up_inside_a_reply
# code: wrong_exit_status
import os
import readline  # history and line editing for input()
import socket
import sys


def die(call, error):
    print(f"client: {call}: {os.strerror(error.errno)}", file=sys.stderr)
    sys.exit(1)


args = sys.argv[1:]
host = args[0] if len(args) > 0 else "127.0.0.1"
port = args[1] if len(args) > 1 else "9000"
if len(args) > 2 or not port.isdecimal() or not 1 <= int(port) <= 65535:
    print("usage: client [HOST [PORT]]", file=sys.stderr)
    sys.exit(2)

call = socket.socket()
try:
    call.connect((host, int(port)))
except OSError as error:
    die("connect", error)

while True:
    try:
        line = input(">>: ")
    except EOFError:
        break
    if not line.strip():
        continue
    try:
        call.sendall(os.fsencode(line) + b"\n")
    except OSError as error:
        die("send", error)
    try:
        reply = call.makefile("rb").readline()
    except OSError as error:
        die("recv", error)
    if not reply:
        sys.exit("client: recv: server hung up")
    sys.stdout.buffer.write(reply)
    sys.stdout.flush()
    if not reply.endswith(b"\n"):
        break
call.close()
