# variant: setblocking(False), connect_ex(), and select() for everything
import errno
import os
import readline  # history and line editing for input()
import select
import socket
import sys
import time


def fail(text):
    print(f"client: {text}", file=sys.stderr)
    sys.exit(1)


def number(text, most):
    if not text.isdecimal() or not 1 <= int(text) <= most:
        print("usage: client HOST PORT TIMEOUT_MS", file=sys.stderr)
        sys.exit(2)
    return int(text)


if len(sys.argv) != 4:
    print("usage: client HOST PORT TIMEOUT_MS", file=sys.stderr)
    sys.exit(2)
port, seconds = number(sys.argv[2], 65535), number(sys.argv[3], 10**9) / 1000

call = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
call.setblocking(False)
result = call.connect_ex((sys.argv[1], port))
if result == errno.EINPROGRESS:
    if not select.select([], [call], [], seconds)[1]:
        fail("connect: Connection timed out")
    result = call.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
if result:
    fail(f"connect: {os.strerror(result)}")

heard = b""
while True:
    try:
        line = input(">>: ").strip()
    except EOFError:
        break
    if not line:
        continue
    due = time.monotonic() + seconds
    try:
        rest = os.fsencode(line) + b"\n"
        while rest:
            if not select.select([], [call], [], max(due - time.monotonic(), 0))[1]:
                raise TimeoutError
            rest = rest[call.send(rest) :]
        while b"\n" not in heard:
            left = due - time.monotonic()
            if left <= 0:
                raise TimeoutError
            if not select.select([call], [], [], left)[0]:
                raise TimeoutError
            new = call.recv(4097)
            if not new:
                fail("recv: server hung up")
            heard += new
    except TimeoutError:
        fail("recv: timed out")
    except OSError as error:
        fail(f"recv: {os.strerror(error.errno)}")
    reply, heard = heard.split(b"\n", 1)
    sys.stdout.buffer.write(reply + b"\n")
    sys.stdout.flush()
call.close()
