# variant: Python, a thread listens and hands the replies over through a queue
import os
import queue
import socket
import sys
import threading


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

replies = queue.Queue()


def listen():
    """What comes in, for the other thread to take; the end of it as None or as the error."""
    while True:
        try:
            reply = call.recv(1024)
        except OSError as error:
            replies.put(error)
            return
        replies.put(reply or None)
        if not reply:
            return


threading.Thread(target=listen, daemon=True).start()
while True:
    print(">>: ", end="", flush=True)
    line = sys.stdin.buffer.readline()
    if not line:
        break
    line = line.rstrip(b"\n")
    if not line.strip():
        continue
    try:
        call.sendall(line)
    except OSError as error:
        die("send", error.strerror)
    reply = replies.get()
    if reply is None:
        die("recv", "server hung up")
    if isinstance(reply, OSError):
        die("recv", reply.strerror)
    os.write(1, reply + b"\n")
