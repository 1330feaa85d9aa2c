# variant: selectors, nothing waits: each call has what came and what is still to be sent.
import os
import selectors
import socket
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



class Call:
    def __init__(self, end):
        self.end, self.rest, self.out, self.over = end, b"", b"", False

    def hear(self):
        try:
            heard = self.end.recv(65536)
        except BlockingIOError:
            return
        self.over = not heard
        *lines, self.rest = (self.rest + heard).split(b"\n")
        for line in lines:
            if len(line) > 4096:
                self.over, self.rest = True, b""
                return
            print_message(line)
            self.out += line.upper() + b"\n"
        self.over = self.over or len(self.rest) > 4096

    def speak(self):
        try:
            self.out = self.out[self.end.send(self.out):]
        except BlockingIOError:
            pass


phone = socket.socket()
phone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
try:
    phone.bind(("127.0.0.1", port_from(sys.argv[1:])))
except OSError as error:
    print(f"server: bind: {os.strerror(error.errno)}", file=sys.stderr)
    sys.exit(1)
phone.listen()
calls = selectors.DefaultSelector()
calls.register(phone, selectors.EVENT_READ)
while True:
    for key, _ in calls.select():
        if key.fileobj is phone:
            end, _ = phone.accept()
            end.setblocking(False)
            calls.register(end, selectors.EVENT_READ, Call(end))
            continue
        call = key.data
        try:
            if not call.over and not call.out:
                call.hear()
            if call.out:
                call.speak()
        except ConnectionError as error:
            print(f"server: {error}", file=sys.stderr)
            call.over, call.out = True, b""
        if call.over and not call.out:
            calls.unregister(key.fileobj)
            key.fileobj.close()
        else:
            calls.modify(key.fileobj, selectors.EVENT_WRITE if call.out else selectors.EVENT_READ, call)
