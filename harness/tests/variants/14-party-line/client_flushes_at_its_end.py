# variant: in a pipe what it prints comes out when it ends
import os
import readline
import socket
import struct
import sys
import threading


def die(call, reason):
    print(f"client: {call}: {reason}", file=sys.stderr, flush=True)
    os._exit(1)


def exactly(call, size):
    heard = b""
    while len(heard) < size:
        piece = call.recv(size - len(heard))
        if not piece:
            die("recv", "server hung up")
        heard += piece
    return heard


def listen(call):
    try:
        while True:
            (size,) = struct.unpack("!I", exactly(call, 4))
            if size > 65536:
                die("recv", "a frame is too long")
            sender, _, text = exactly(call, size).partition(b"|")
            line = os.fsdecode(sender + b": " + text)
            if sys.stdin.isatty():
                print(f"\r\x1b[K{line}\n>>: {readline.get_line_buffer()}", end="", flush=True)
            else:
                print(line)
    except OSError as error:
        die("recv", error.strerror)


def send(call, frame):
    call.sendall(struct.pack("!I", len(frame)) + frame)


args = sys.argv[1:]
if len(args) != 3 or not args[1].isdecimal() or not 1 <= int(args[1]) <= 65535:
    print("usage: client HOST PORT NAME", file=sys.stderr)
    sys.exit(2)

call = socket.socket()
try:
    call.connect((args[0], int(args[1])))
except OSError as error:
    die("connect", error.strerror)
send(call, os.fsencode(args[2]))
threading.Thread(target=listen, args=(call,), daemon=True).start()
while True:
    try:
        line = input(">>: ")
        send(call, b"say " + os.fsencode(line))
    except EOFError:
        break
    except OSError as error:
        die("send", error.strerror)
sys.stdout.flush()
os._exit(0)
