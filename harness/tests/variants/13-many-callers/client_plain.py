"""variant: a client in Python, with sendall() and a loop around recv()"""
import readline  # noqa: F401: input() edits the line with it
import socket
import struct
import sys


def exactly(call, size):
    data = b""
    while len(data) < size:
        piece = call.recv(size - len(data))
        if not piece:
            sys.stderr.write("client: recv: server hung up\n")
            sys.exit(1)
        data += piece
    return data


def main():
    words = sys.argv[1:]
    if len(words) > 2 or (len(words) == 2 and not (words[1].isdigit() and 1 <= int(words[1]) <= 65535)):
        sys.stderr.write("usage: client [HOST [PORT]]\n")
        sys.exit(2)
    host = words[0] if words else "127.0.0.1"
    number = int(words[1]) if len(words) == 2 else 9000
    try:
        call = socket.create_connection((host, number))
    except OSError as error:
        sys.stderr.write(f"client: connect: {error.strerror}\n")
        sys.exit(1)
    while True:
        try:
            text = input(">>: ").encode("utf-8", "surrogateescape")
        except EOFError:
            return
        if len(text) > 65536:
            sys.stderr.write("client: send: Message too long\n")
            sys.exit(1)
        try:
            call.sendall(struct.pack("!I", len(text)) + text)
            (size,) = struct.unpack("!I", exactly(call, 4))
            if size > 65536:
                sys.stderr.write("client: recv: Message too long\n")
                sys.exit(1)
            reply = exactly(call, size)
        except OSError as error:
            sys.stderr.write(f"client: recv: {error.strerror}\n")
            sys.exit(1)
        sys.stdout.buffer.write(reply + b"\n")
        sys.stdout.flush()


main()
