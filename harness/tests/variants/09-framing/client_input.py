#!/usr/bin/env python3
# variant: input() and sendall(), a loop around recv()
import socket
import struct
import sys


def usage():
    print("usage: client [HOST [PORT]]", file=sys.stderr)
    sys.exit(2)


words = sys.argv[1:] + ["127.0.0.1", "9000"][len(sys.argv) - 1 :]
if len(words) > 2 or not words[1].isdigit() or not 1 <= int(words[1]) <= 65535:
    usage()
try:
    call = socket.create_connection((words[0], int(words[1])))
except OSError as error:
    print(f"client: connect: {error.strerror}", file=sys.stderr)
    sys.exit(1)


def fail(why):
    print(f"client: {why}", file=sys.stderr)
    sys.exit(1)


def exactly(size):
    data = b""
    while len(data) < size:
        piece = call.recv(size - len(data))
        if not piece:
            fail("recv: server hung up")
        data += piece
    return data


def hear():
    (size,) = struct.unpack(">I", exactly(4))
    if size > 65536:
        fail("recv: the reply is too long")
    return exactly(size)


while True:
    try:
        line = input(">>: ").encode()
    except EOFError:
        break
    if len(line) > 65536:
        fail("send: the line is too long")
    try:
        call.sendall(struct.pack(">I", len(line)) + line)
        reply = hear()
    except OSError as error:
        fail(f"recv: {error.strerror}")
    sys.stdout.buffer.write(reply + b"\n")
    sys.stdout.flush()
call.close()
