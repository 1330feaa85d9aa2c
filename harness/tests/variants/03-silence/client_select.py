# variant: Python's selectors on the keyboard and the call
import os
import selectors
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

keyboard = sys.stdin.fileno()
ends = selectors.SelectSelector()  # epoll would refuse a file
ends.register(keyboard, selectors.EVENT_READ)
ends.register(call, selectors.EVENT_READ)


def show(text):
    sys.stdout.buffer.write(text)
    sys.stdout.buffer.flush()


def hear():
    try:
        reply = call.recv(1024)
    except OSError as error:
        die("recv", error.strerror)
    if not reply:
        die("recv", "server hung up")
    show(reply + b"\n")


def say(line):
    line = line.strip()
    if not line:
        return
    try:
        call.sendall(line)
    except OSError as error:
        die("send", error.strerror)
    hear()


typed = b""
show(b">>: ")
while True:
    ready = [key.fileobj for key, _ in ends.select()]
    if call in ready:
        hear()  # nobody asked: most likely the server is gone
    if keyboard in ready:
        more = os.read(keyboard, 4096)
        if not more and not typed:
            break
        typed += more or b"\n"  # the last line may lack its newline
        while b"\n" in typed:
            line, typed = typed.split(b"\n", 1)
            say(line)
            show(b">>: ")
call.close()
