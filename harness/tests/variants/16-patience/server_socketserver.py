# variant: socketserver, a thread a call; it wakes twice a second
import os
import socket
import socketserver
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


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        try:
            serve(self.request)
        except OSError as error:  # a timeout is one, too
            print(f"server: {error}", file=sys.stderr)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


try:
    server = Server(("127.0.0.1", port), Handler)
except OSError as error:
    print(f"server: bind: {os.strerror(error.errno)}", file=sys.stderr)
    sys.exit(1)
server.serve_forever()
