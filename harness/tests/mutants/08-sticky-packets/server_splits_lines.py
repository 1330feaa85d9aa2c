# mutant: splits with splitlines(), which throws the end of the last line away, and with it whether it had one.
# fails: keeps_every_other_byte
# code: mangles_bytes
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
    rest = b""
    while heard := call.recv(4096):
        rest += heard
        lines = rest.splitlines()
        rest = lines.pop() if lines and not heard.endswith(b"\n") else b""
        for line in lines:
            if len(line) > 4096:
                return
            print_message(line)
            call.sendall(line.upper() + b"\n")
        if len(rest) > 4096:
            return


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
