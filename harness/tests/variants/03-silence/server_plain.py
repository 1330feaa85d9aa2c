# variant: Python's socket, recv and sendall.
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


phone = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
try:
    phone.bind(("127.0.0.1", port_from(sys.argv[1:])))
except OSError as error:
    print(f"server: bind: {os.strerror(error.errno)}", file=sys.stderr)
    sys.exit(1)
phone.listen()

call, caller = phone.accept()
print(f"call from {caller[0]}", flush=True)
while True:
    heard = call.recv(1024)
    if not heard:
        break
    print_message(heard)
    call.sendall(heard.upper())
call.close()
phone.close()
