# mutant: settimeout(), which limits each recv() and not the reply
# fails: gives_up_a_reply_that_trickles
# code: waits_too_long
import os
import readline  # history and line editing for input()
import socket
import sys


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
call.settimeout(seconds)
try:
    call.connect((sys.argv[1], port))
except TimeoutError:
    fail("connect: Connection timed out")
except OSError as error:
    fail(f"connect: {os.strerror(error.errno)}")

heard = b""
while True:
    try:
        line = input(">>: ").strip()
    except EOFError:
        break
    if not line:
        continue
    try:
        call.sendall(os.fsencode(line) + b"\n")
        while b"\n" not in heard:
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
