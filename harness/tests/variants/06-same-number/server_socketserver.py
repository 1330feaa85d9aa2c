# variant: Python's socketserver, which looks up twice a second, with allow_reuse_address.
import os
import socketserver
import sys


def port_from(arguments):
    try:
        port = int(arguments[0]) if arguments else 9000
    except ValueError:
        port = 0
    if len(arguments) > 1 or not 1 <= port <= 65535:
        print("usage: server [PORT]", file=sys.stderr)
        sys.exit(2)
    return port


class Call(socketserver.BaseRequestHandler):
    def handle(self):
        try:
            while heard := self.request.recv(1024):
                sys.stdout.buffer.write(heard + b"\n")
                sys.stdout.buffer.flush()
                self.request.sendall(heard.upper())
        except (ConnectionResetError, BrokenPipeError) as error:
            print(f"server: {error.strerror}", file=sys.stderr)


class Server(socketserver.TCPServer):
    allow_reuse_address = True


try:
    server = Server(("127.0.0.1", port_from(sys.argv[1:])), Call)
except OSError as error:
    print(f"server: bind: {os.strerror(error.errno)}", file=sys.stderr)
    sys.exit(1)
server.serve_forever()
