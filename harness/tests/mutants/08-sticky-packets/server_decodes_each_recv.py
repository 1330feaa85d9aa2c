# mutant: decodes what each recv() gave, and stumbles over half a letter.
# fails: answers_the_same_however_it_comes keeps_every_other_byte
# code: depends_on_arrival stops_serving
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
    rest = ""
    while heard := call.recv(4096):
        rest += heard.decode()
        *lines, rest = rest.split("\n")
        for line in lines:
            if len(line.encode()) > 4096:
                return
            print_message(line.encode())
            upper = "".join(c.upper() if c.isascii() else c for c in line)
            call.sendall(upper.encode() + b"\n")
        if len(rest.encode()) > 4096:
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
