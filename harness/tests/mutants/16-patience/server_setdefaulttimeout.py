# mutant: setdefaulttimeout(), which limits accept() as well
# fails: waits_for_a_call_as_long_as_it_takes
# code: stops_serving
import os
import socket
import sys
import time


def number(text, most):
    if not text.isdecimal() or not 1 <= int(text) <= most:
        print("usage: server PORT IDLE_MS", file=sys.stderr)
        sys.exit(2)
    return int(text)


def serve(call):
    heard, due = b"", time.monotonic() + 4 * idle
    while True:
        left = min(idle, due - time.monotonic())
        call.settimeout(max(left, 0.0001))
        new = call.recv(65536)
        if not new:
            return
        heard += new
        while b"\n" in heard:
            line, heard = heard.split(b"\n", 1)
            if len(line) > 4096:
                return
            sys.stdout.buffer.write(line + b"\n")
            sys.stdout.flush()
            call.settimeout(idle)
            call.sendall(line.upper() + b"\n")
            due = time.monotonic() + 4 * idle
        if len(heard) > 4096:
            return


if len(sys.argv) != 3:
    print("usage: server PORT IDLE_MS", file=sys.stderr)
    sys.exit(2)
port, idle = number(sys.argv[1], 65535), number(sys.argv[2], 10**9) / 1000
socket.setdefaulttimeout(idle)
phone = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
phone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
try:
    phone.bind(("127.0.0.1", port))
except OSError as error:
    print(f"server: bind: {os.strerror(error.errno)}", file=sys.stderr)
    sys.exit(1)
phone.listen(16)
while True:
    call, _ = phone.accept()
    with call:
        try:
            serve(call)
        except OSError as error:  # a timeout is one, too
            print(f"server: {error}", file=sys.stderr)
