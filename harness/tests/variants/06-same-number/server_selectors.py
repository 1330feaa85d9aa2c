# variant: selectors: one process, all the calls.
import os
import selectors
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


def answer(call):
    try:
        heard = call.recv(1024)
        if heard:
            print_message(heard)
            call.sendall(heard.upper())
    except (ConnectionResetError, BrokenPipeError):
        heard = b""
    if not heard:
        lines.unregister(call)
        call.close()


def pick_up(phone):
    call, caller = phone.accept()
    lines.register(call, selectors.EVENT_READ, answer)


phone = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
phone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
try:
    phone.bind(("127.0.0.1", port_from(sys.argv[1:])))
except OSError as error:
    print(f"server: bind: {os.strerror(error.errno)}", file=sys.stderr)
    sys.exit(1)
phone.listen()

lines = selectors.DefaultSelector()
lines.register(phone, selectors.EVENT_READ, pick_up)
while True:
    for key, _ in lines.select():
        key.data(key.fileobj)
