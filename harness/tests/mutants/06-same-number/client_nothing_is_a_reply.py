# mutant: prints what recv returns when the server has hung up, an empty line, and asks again
# fails: notices_a_hang_up_at_the_prompt notices_a_hang_up_instead_of_a_reply
# code: ignores_hang_up
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

call = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
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
        call.sendall(os.fsencode(line))
    except OSError as error:
        die("send", error)
    try:
        reply = call.recv(1024)
    except OSError as error:
        die("recv", error)
    sys.stdout.buffer.write(reply + b"\n")
    sys.stdout.flush()
call.close()
