# variant: Python's socket and hmac, the keyboard read by input() with the readline module.
import hashlib
import hmac
import os
import readline  # noqa: F401: input() edits the line with it
import socket
import struct
import sys


class HungUp(Exception):
    pass


def die(text):
    print(f"client: {text}", file=sys.stderr)
    sys.exit(1)


def exactly(call, size):
    heard = bytearray()
    while len(heard) < size:
        piece = call.recv(size - len(heard))
        if not piece:
            raise HungUp
        heard += piece
    return bytes(heard)


def main():
    words = sys.argv[1:]
    if len(words) != 3 or not words[1].isdecimal() or not 1 <= int(words[1]) <= 65535:
        print("usage: client HOST PORT KEYFILE", file=sys.stderr)
        sys.exit(2)
    try:
        with open(words[2], "rb") as file:
            key = file.read().removesuffix(b"\n")
    except OSError as error:
        die(f"open: {error.strerror}")
    if not key:
        die("the key is empty")
    try:
        call = socket.create_connection((words[0], int(words[1])))
    except OSError as error:
        die(f"connect: {os.strerror(error.errno)}")

    heard_a_reply = False
    try:
        call.sendall(hmac.new(key, exactly(call, 32), hashlib.sha256).hexdigest().encode())
        while True:
            try:
                line = input(">>: ").encode()
            except EOFError:
                break
            call.sendall(struct.pack("!I", len(line)) + line)
            (size,) = struct.unpack("!I", exactly(call, 4))
            if size > 65536:
                die("recv: the reply is too long")
            reply = exactly(call, size)
            heard_a_reply = True
            sys.stdout.buffer.write(reply + b"\n")
            sys.stdout.flush()
    except (HungUp, ConnectionError) as error:
        if not heard_a_reply:
            die("refused")
        die(f"recv: {'server hung up' if isinstance(error, HungUp) else error.strerror}")
    call.close()


main()
