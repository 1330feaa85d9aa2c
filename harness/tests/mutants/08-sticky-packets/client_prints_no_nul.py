# mutant: takes NULs off, as it would off a C string.
# fails: prints_a_nul_byte
# code: stops_at_nul
import os
import readline  # history and line editing for input()
import socket
import sys


def die(call, error):
    print(f"client: {call}: {os.strerror(error.errno)}", file=sys.stderr)
    sys.exit(1)


args = sys.argv[1:]
host = args[0] if len(args) > 0 else "127.0.0.1"
port = args[1] if len(args) > 1 else "9000"
if len(args) > 2 or not port.isdecimal() or not 1 <= int(port) <= 65535:
    print("usage: client [HOST [PORT]]", file=sys.stderr)
    sys.exit(2)

call = socket.socket()
try:
    call.connect((host, int(port)))
except OSError as error:
    die("connect", error)

while True:
    try:
        line = input(">>: ")
    except EOFError:
        break
    if not line.strip():
        continue
    try:
        call.sendall(os.fsencode(line) + b"\n")
    except OSError as error:
        die("send", error)
    reply = b""
    try:
        while not reply.endswith(b"\n"):
            piece = call.recv(4097)
            if not piece:
                sys.exit("client: recv: server hung up")
            reply += piece
    except OSError as error:
        die("recv", error)
    sys.stdout.buffer.write(reply.split(b"\0")[0].rstrip(b"\n") + b"\n")
    sys.stdout.flush()
call.close()
