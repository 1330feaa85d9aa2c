# variant: Python's socket, as plain as it gets
import os
import socket
import sys


def die(call, reason):
    print(f"client: {call}: {reason}", file=sys.stderr)
    sys.exit(1)


args = sys.argv[1:]
host = args[0] if len(args) > 0 else "127.0.0.1"
port = args[1] if len(args) > 1 else "9000"
message = args[2] if len(args) > 2 else "hello"
if len(args) > 3 or not port.isdecimal() or not 1 <= int(port) <= 65535:
    print("usage: client [HOST [PORT [MESSAGE]]]", file=sys.stderr)
    sys.exit(2)

with socket.socket() as call:
    try:
        call.connect((host, int(port)))
    except OSError as error:
        die("connect", error.strerror)
    call.sendall(os.fsencode(message))
    reply = call.recv(1024)
    print(reply.decode("utf-8", "replace"))
