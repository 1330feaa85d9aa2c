"""
mutant: socketserver's forking server, whose children keep the listening socket
fails: the_child_puts_the_phone_away
code: child_keeps_the_phone
"""
import os
import socketserver
import struct
import sys


class Talk(socketserver.BaseRequestHandler):
    def exactly(self, size):
        data = b""
        while len(data) < size:
            piece = self.request.recv(size - len(data))
            if not piece:
                return None
            data += piece
        return data

    def handle(self):
        try:
            while header := self.exactly(4):
                (size,) = struct.unpack("!I", header)
                if size > 65536 or (payload := self.exactly(size)) is None:
                    return
                os.write(1, payload + b"\n")
                self.request.sendall(header + payload.upper())
        except OSError:
            pass


class Server(socketserver.ForkingTCPServer):
    allow_reuse_address = True
    request_queue_size = 128
    max_children = 1000


def main():
    words = sys.argv[1:]
    if len(words) > 1 or not all(w.isdigit() and 1 <= int(w) <= 65535 for w in words):
        sys.stderr.write("usage: server_fork [PORT]\n")
        sys.exit(2)
    try:
        server = Server(("127.0.0.1", int(words[0]) if words else 9000), Talk)
    except OSError as error:
        sys.stderr.write(f"server: bind: {error.strerror}\n")
        sys.exit(1)
    server.serve_forever()


main()
