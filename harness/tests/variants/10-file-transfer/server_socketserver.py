# variant: socketserver, a thread for every call
import json
import os
import socketserver
import sys

if len(sys.argv) != 3 or not sys.argv[1].isdigit() or not 1 <= int(sys.argv[1]) <= 65535:
    sys.exit(print("usage: server PORT FILE", file=sys.stderr) or 2)
path = sys.argv[2]


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        try:
            with open(path, "rb") as file:
                size = os.fstat(file.fileno()).st_size
                header = json.dumps({"filesize": size, "filename": os.path.basename(path)}, ensure_ascii=False).encode()
                self.wfile.write(len(header).to_bytes(4, "big") + header)
                while piece := file.read(100000):
                    self.wfile.write(piece)
        except OSError as error:
            print(f"server: send: {error.strerror}", file=sys.stderr)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


try:
    open(path, "rb").close()
except OSError as error:
    sys.exit(print(f"server: open: {error.strerror}", file=sys.stderr) or 1)
try:
    server = Server(("127.0.0.1", int(sys.argv[1])), Handler)
except OSError as error:
    sys.exit(print(f"server: bind: {error.strerror}", file=sys.stderr) or 1)
server.serve_forever()
