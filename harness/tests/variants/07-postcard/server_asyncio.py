# variant: asyncio, told to look at the socket.
import asyncio
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


def answer(box):
    card, sender = box.recvfrom(65507)
    print_message(card)
    box.sendto(card.upper(), sender)


async def main():
    box = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        box.bind(("127.0.0.1", port_from(sys.argv[1:])))
    except OSError as error:
        print(f"server: bind: {os.strerror(error.errno)}", file=sys.stderr)
        sys.exit(1)
    # By hand: before Python 3.12 a transport sends no empty datagram.
    loop = asyncio.get_running_loop()
    loop.add_reader(box, answer, box)
    await loop.create_future()


asyncio.run(main())
