# variant: a file for the call, and its readline() with a limit.
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


def converse(call):
    lines = call.makefile("rb")
    while (line := lines.readline(4097)).endswith(b"\n"):
        print_message(line[:-1])
        call.sendall(line.upper())


phone = socket.socket()
phone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
try:
    phone.bind(("127.0.0.1", port_from(sys.argv[1:])))
except OSError as error:
    print(f"server: bind: {os.strerror(error.errno)}", file=sys.stderr)
    sys.exit(1)
phone.listen()
while True:
    call, _ = phone.accept()
    with call:
        try:
            converse(call)
        except ConnectionError as error:
            print(f"server: {error}", file=sys.stderr)
