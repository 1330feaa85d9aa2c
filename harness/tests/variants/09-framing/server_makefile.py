#!/usr/bin/env python3
# variant: a socket as a file: read() gives all that is asked for, or there is no more
import socket
import struct
import sys


def port_of(words):
    if len(words) > 2 or not (words[1:] or ["9000"])[0].isdigit():
        sys.exit(usage())
    port = int((words[1:] or ["9000"])[0])
    if not 1 <= port <= 65535:
        sys.exit(usage())
    return port


def usage():
    print("usage: server [PORT]", file=sys.stderr)
    return 2


def upper(message):
    return bytes(b - 32 if 97 <= b <= 122 else b for b in message)


def serve(call):
    with call.makefile("rb") as heard:
        while len(header := heard.read(4)) == 4:
            (size,) = struct.unpack(">I", header)
            if size > 65536:
                return
            message = heard.read(size)
            if len(message) < size:
                return
            sys.stdout.buffer.write(message + b"\n")
            sys.stdout.flush()
            call.sendall(struct.pack(">I", size) + upper(message))


with socket.socket() as phone:
    phone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        phone.bind(("127.0.0.1", port_of(sys.argv)))
    except OSError as error:
        print(f"server: bind: {error.strerror}", file=sys.stderr)
        sys.exit(1)
    phone.listen()
    while True:
        call, _ = phone.accept()
        with call:
            try:
                serve(call)
            except OSError as error:
                print(f"server: {error}", file=sys.stderr)
