#!/usr/bin/env python3
# mutant: str.upper(), which changes more than a to z
# fails: keeps_every_other_byte
# code: wrong_bytes
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
    return message.decode("latin-1").upper().encode("latin-1", errors="replace")


def serve(call):
    with call.makefile("rb") as heard:
        while len(header := heard.read(4)) == 4:
            (size,) = struct.unpack(">I", header)
            if size > 65536:
                return
            message = heard.read(size)
            if len(message) < size:
                return
            print(message.decode(errors="replace"), flush=True)
            answer = upper(message)
            call.sendall(struct.pack(">I", len(answer)) + answer)


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
