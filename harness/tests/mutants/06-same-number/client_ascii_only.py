# mutant: encodes the line as ASCII and leaves out every other character
# fails: sends_utf8
# code: mangles_bytes wrong_bytes
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
        call.sendall(line.encode("ascii", "ignore"))
    except OSError as error:
        die("send", error)
    try:
        reply = call.recv(1024)
    except OSError as error:
        die("recv", error)
    if not reply:
        print("client: recv: server hung up", file=sys.stderr)
        sys.exit(1)
    sys.stdout.buffer.write(reply + b"\n")
    sys.stdout.flush()
call.close()
