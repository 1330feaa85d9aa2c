# variant: a file around the call, and readline() of it
import os
import readline  # history and line editing for input()
import socket
import sys


def die(call, error):
    print(f"client: {call}: {os.strerror(error.errno) if error.errno else error}", file=sys.stderr)
    sys.exit(1)


if len(sys.argv) != 2:
    print("usage: client PATH", file=sys.stderr)
    sys.exit(2)
call = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
try:
    call.connect(sys.argv[1])
except OSError as error:
    die("connect", error)
replies = call.makefile("rb")
while True:
    try:
        line = input(">>: ").strip()
    except EOFError:
        break
    if not line:
        continue
    try:
        call.sendall(os.fsencode(line) + b"\n")
        reply = replies.readline()
    except OSError as error:
        die("recv", error)
    if not reply.endswith(b"\n"):
        print("client: recv: server hung up", file=sys.stderr)
        sys.exit(1)
    sys.stdout.buffer.write(reply)
    sys.stdout.flush()
