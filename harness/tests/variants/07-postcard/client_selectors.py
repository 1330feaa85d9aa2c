# variant: selectors, the keyboard and the socket in one loop: what comes when nothing was asked is thrown away.
import os
import selectors
import socket
import sys
import time

args = sys.argv[1:]
host = args[0] if len(args) > 0 else "127.0.0.1"
port = args[1] if len(args) > 1 else "9000"
ms = args[2] if len(args) > 2 else "1000"
if len(args) > 3 or not port.isdecimal() or not 1 <= int(port) <= 65535 or not ms.isdecimal() or int(ms) < 1:
    print("usage: client [HOST [PORT [TIMEOUT_MS]]]", file=sys.stderr)
    sys.exit(2)

box = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
box.connect((host, int(port)))
box.setblocking(False)
waiting = selectors.DefaultSelector()
waiting.register(box, selectors.EVENT_READ)


def show(reply):
    sys.stdout.buffer.write(reply + b"\n")
    sys.stdout.flush()


def answer(end):
    while (left := end - time.monotonic()) > 0:
        waiting.select(left)
        try:
            return box.recv(65507)
        except BlockingIOError:
            pass
        except ConnectionRefusedError:
            break
    return b"no answer"


while True:
    print(">>: ", end="", flush=True)
    line = sys.stdin.buffer.readline()
    if not line:
        break
    while True:
        try:
            box.recv(65507)
        except BlockingIOError:
            break
        except ConnectionRefusedError:
            pass
    try:
        box.send(line.rstrip(b"\n"))
    except ConnectionRefusedError:
        show(b"no answer")
        continue
    show(answer(time.monotonic() + int(ms) / 1000))
