# variant: Python, lines as bytes from sys.stdin.buffer
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

try:
    call = socket.create_connection((host, int(port)))
except OSError as error:
    die("connect", error.strerror)


def show(text):
    sys.stdout.buffer.write(text)
    sys.stdout.buffer.flush()


show(b">>: ")
for line in sys.stdin.buffer:
    line = line.removesuffix(b"\n")
    try:
        call.sendall(line)
        reply = call.recv(1024)
    except OSError as error:
        die("recv", error.strerror)
    if not reply:
        die("recv", "server hung up")
    show(reply + b"\n")
    show(b">>: ")
call.close()
