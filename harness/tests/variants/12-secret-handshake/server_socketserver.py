# variant: Python's ThreadingTCPServer; the secrets module, and HMAC in one call.
import hmac
import os
import secrets
import socketserver
import struct
import sys
import threading


class Handler(socketserver.StreamRequestHandler):
    def setup(self):
        # One watch for the whole answer: it shuts the call whatever the reader is doing.
        self.watch = threading.Timer(self.server.seconds, self.too_late)
        self.watch.daemon = True
        self.watch.start()
        super().setup()

    def too_late(self):
        try:
            self.request.shutdown(2)
        except OSError:
            pass

    def handle(self):
        try:
            self.converse()
        except OSError:
            pass
        finally:
            self.watch.cancel()

    def converse(self):
        challenge = secrets.token_bytes(32)
        self.wfile.write(challenge)
        answer = self.rfile.read(64)
        self.watch.cancel()
        if not hmac.compare_digest(answer, hmac.digest(self.server.key, challenge, "sha256").hex().encode()):
            return
        while len(header := self.rfile.read(4)) == 4:
            (size,) = struct.unpack("!I", header)
            if size > 65536:
                return
            message = self.rfile.read(size)
            if len(message) < size:
                return
            sys.stdout.buffer.write(message + b"\n")
            sys.stdout.buffer.flush()
            self.wfile.write(header + message.upper())


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        pass


def main():
    try:
        port, path, *rest = sys.argv[1:]
        (ms,) = rest or ["2000"]
        port, ms = int(port), int(ms)
        if not 1 <= port <= 65535 or ms < 1:
            raise ValueError
    except ValueError:
        print("usage: server PORT KEYFILE [TIMEOUT_MS]", file=sys.stderr)
        return 2
    try:
        with open(path, "rb") as file:
            key = file.read()
    except OSError as error:
        print(f"server: open: {error.strerror}", file=sys.stderr)
        return 1
    key = key[:-1] if key.endswith(b"\n") else key
    if not key:
        print(f"server: {path}: empty", file=sys.stderr)
        return 1
    try:
        server = Server(("127.0.0.1", port), Handler)
    except OSError as error:
        print(f"server: bind: {os.strerror(error.errno)}", file=sys.stderr)
        return 1
    server.key, server.seconds = key, ms / 1000
    server.serve_forever()


sys.exit(main())
