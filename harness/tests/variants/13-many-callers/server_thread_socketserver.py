"""variant: socketserver's threading server, which wakes twice a second"""
import os
import socketserver
import struct
import sys


class Talk(socketserver.StreamRequestHandler):
    def handle(self):
        try:
            while len(header := self.rfile.read(4)) == 4:
                (size,) = struct.unpack("!I", header)
                if size > 65536 or len(payload := self.rfile.read(size)) < size:
                    return
                os.write(1, payload + b"\n")
                self.wfile.write(header + payload.upper())
        except OSError:
            pass

    def finish(self):
        try:
            super().finish()
        except OSError:
            pass


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    request_queue_size = 128
    daemon_threads = True


def main():
    words = sys.argv[1:]
    if len(words) > 1 or not all(w.isdigit() and 1 <= int(w) <= 65535 for w in words):
        sys.stderr.write("usage: server_thread [PORT]\n")
        sys.exit(2)
    try:
        server = Server(("127.0.0.1", int(words[0]) if words else 9000), Talk)
    except OSError as error:
        sys.stderr.write(f"server: bind: {error.strerror}\n")
        sys.exit(1)
    server.serve_forever()


main()
