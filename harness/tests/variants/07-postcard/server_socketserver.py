# variant: socketserver, with room for the longest datagram.
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


class Card(socketserver.BaseRequestHandler):
    def handle(self):
        card, box = self.request
        print_message(card)
        box.sendto(card.upper(), self.client_address)


class Server(socketserver.UDPServer):
    max_packet_size = 65507


try:
    server = Server(("127.0.0.1", port_from(sys.argv[1:])), Card)
except OSError as error:
    print(f"server: bind: {os.strerror(error.errno)}", file=sys.stderr)
    sys.exit(1)
server.serve_forever()
