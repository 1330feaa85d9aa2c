"""variant: threading.Thread for each call, in Python"""
import os
import socket
import struct
import sys
import threading


def port(program):
    words = sys.argv[1:]
    if len(words) > 1 or not all(w.isdigit() and 1 <= int(w) <= 65535 for w in words):
        sys.stderr.write(f"usage: {program} [PORT]\n")
        sys.exit(2)
    return int(words[0]) if words else 9000


def phone_on(number):
    phone = socket.socket()
    phone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        phone.bind(("127.0.0.1", number))
    except OSError as error:
        sys.stderr.write(f"server: bind: {error.strerror}\n")
        sys.exit(1)
    phone.listen(128)
    return phone


def exactly(call, size):
    data = bytearray()
    while len(data) < size:
        piece = call.recv(size - len(data))
        if not piece:
            return None
        data += piece
    return bytes(data)


def upper(text):
    return bytes(b - 32 if 97 <= b <= 122 else b for b in text)


def talk(call):
    try:
        while header := exactly(call, 4):
            (size,) = struct.unpack("!I", header)
            if size > 65536 or (payload := exactly(call, size)) is None:
                return
            os.write(1, payload + b"\n")
            call.sendall(header + upper(payload))
    except OSError:
        pass


def serve(call):
    with call:
        talk(call)


def main():
    phone = phone_on(port("server_thread"))
    while True:
        call, _ = phone.accept()
        threading.Thread(target=serve, args=(call,), daemon=True).start()


main()
