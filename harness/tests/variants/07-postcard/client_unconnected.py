# variant: recvfrom(), the sender compared, and a deadline.
import os
import readline  # history and line editing for input()
import select
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


def empty():
    box.setblocking(False)
    while True:
        try:
            box.recv(65507)
        except BlockingIOError:
            break
        except ConnectionRefusedError:
            pass
    box.settimeout(int(ms) / 1000)


while True:
    try:
        line = input(">>: ")
    except EOFError:
        break
    empty()
    box.sendto(os.fsencode(line), (host, int(port)))
    end = time.monotonic() + int(ms) / 1000
    reply, sender = b"no answer", None
    while sender != (host, int(port)):
        left = end - time.monotonic()
        if left <= 0 or not select.select([box], [], [], left)[0]:
            reply = b"no answer"
            break
        reply, sender = box.recvfrom(65507)
    sys.stdout.buffer.write(reply + b"\n")
    sys.stdout.flush()
