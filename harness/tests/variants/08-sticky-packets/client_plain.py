# variant: receives until the newline is there, and keeps what is behind it.
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

rest = b""
while True:
    try:
        line = input(">>: ").strip()
    except EOFError:
        break
    if not line:
        continue
    try:
        call.sendall(os.fsencode(line) + b"\n")
    except OSError as error:
        die("send", error)
    while b"\n" not in rest:
        try:
            piece = call.recv(1000)
        except OSError as error:
            die("recv", error)
        if not piece:
            sys.exit("client: recv: server hung up")
        rest += piece
    reply, rest = rest.split(b"\n", 1)
    sys.stdout.buffer.write(reply + b"\n")
    sys.stdout.flush()
call.close()
