# variant: socketserver, a thread for each caller, and rfile.
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


def print_message(heard):
    sys.stdout.buffer.write(heard + b"\n")
    sys.stdout.buffer.flush()


class Call(socketserver.StreamRequestHandler):
    def handle(self):
        try:
            while (line := self.rfile.readline(4097)).endswith(b"\n"):
                print_message(line[:-1])
                self.wfile.write(line.upper())
        except ConnectionError as error:
            print(f"server: {error}", file=sys.stderr)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


try:
    server = Server(("127.0.0.1", port_from(sys.argv[1:])), Call)
except OSError as error:
    print(f"server: bind: {os.strerror(error.errno)}", file=sys.stderr)
    sys.exit(1)
server.serve_forever()
