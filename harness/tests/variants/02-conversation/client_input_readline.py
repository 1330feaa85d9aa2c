# variant: Python's input(), with readline
import os
import readline  # input() then has a history and edits its line
import socket
import sys


def die(call, reason):
    print(f"client: {call}: {reason}", file=sys.stderr)
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
    die("connect", error.strerror)

while True:
    try:
        line = input(">>: ")
    except EOFError:
        break
    try:
        call.sendall(os.fsencode(line))
        reply = call.recv(1024)
    except OSError as error:
        die("recv", error.strerror)
    if not reply:
        die("recv", "server hung up")
    sys.stdout.buffer.write(reply + b"\n")
    sys.stdout.flush()
call.close()
