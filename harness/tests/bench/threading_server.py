"""Python's socketserver, a thread for each caller, doing what lab 13's servers do: frames, upper-case, printed."""

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
                payload = self.exactly(size)
                if payload is None:
                    return
                os.write(1, payload + b"\n")
                self.request.sendall(header + payload.upper())
        except OSError:
            pass


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 4096


Server(("127.0.0.1", int(sys.argv[1])), Talk).serve_forever()
