# mutant: takes every datagram for UTF-8, and dies of one that is not.
# fails: keeps_every_other_byte_of_a_datagram
# code: stops_serving
import os
import socket
import sys


def port_from(arguments):
    try:
        port = int(arguments[0]) if arguments else 9000
    except ValueError:
        port = 0
    if len(arguments) > 1 or not 1 <= port <= 65535:
        print("usage: server [PORT]", file=sys.stderr)
        sys.exit(2)
    return port


def print_message(heard):
    sys.stdout.buffer.write(heard + b"\n")
    sys.stdout.buffer.flush()


box = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
try:
    box.bind(("127.0.0.1", port_from(sys.argv[1:])))
except OSError as error:
    print(f"server: bind: {os.strerror(error.errno)}", file=sys.stderr)
    sys.exit(1)
while True:
    card, sender = box.recvfrom(65507)
    text = card.decode()
    print(text, flush=True)
    box.sendto("".join(c.upper() if c.isascii() else c for c in text).encode(), sender)
