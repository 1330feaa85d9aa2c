"""variant: selectors in Python; it reads on from who does not read, and keeps all the answers"""
import os
import socket
import struct
import sys
import selectors


def port(program):
    words = sys.argv[1:]
    if len(words) > 1 or not all(w.isdigit() and 1 <= int(w) <= 65535 for w in words):
        sys.stderr.write(f"usage: {program} [PORT]\n")
        sys.exit(2)
    return int(words[0]) if words else 9000


def phone_on(number):
    phone = socket.socket()
    phone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        phone.bind(("127.0.0.1", number))
    except OSError as error:
        sys.stderr.write(f"server: bind: {error.strerror}\n")
        sys.exit(1)
    phone.listen(128)
    return phone


class Call:
    def __init__(self, sock):
        self.sock, self.heard, self.answers = sock, bytearray(), bytearray()
        self.done = False

    def wants(self):
        """(to read, to write); neither: the call is over"""
        return not self.done, bool(self.answers)

    def hear(self):
        try:
            piece = self.sock.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            self.done = True
            self.answers.clear()
            return
        self.done = not piece
        self.heard += piece
        while len(self.heard) >= 4:
            (size,) = struct.unpack("!I", self.heard[:4])
            if size > 65536:
                self.done = True
                return
            if len(self.heard) < 4 + size:
                return
            payload = bytes(self.heard[4 : 4 + size])
            os.write(1, payload + b"\n")
            self.answers += self.heard[:4] + payload.upper()
            del self.heard[: 4 + size]

    def speak(self):
        try:
            del self.answers[: self.sock.send(self.answers)]
        except BlockingIOError:
            pass
        except OSError:
            self.done = True
            self.answers.clear()


def main():
    phone = phone_on(port("server_poll"))
    phone.setblocking(False)
    chooser = selectors.DefaultSelector()
    chooser.register(phone, selectors.EVENT_READ)
    while True:
        for key, events in chooser.select():
            call = key.data
            if call is None:
                try:
                    sock, _ = phone.accept()
                except OSError:
                    continue
                sock.setblocking(False)
                chooser.register(sock, selectors.EVENT_READ, Call(sock))
                continue
            if events & selectors.EVENT_READ:
                call.hear()
            if call.answers:
                call.speak()
            read, write = call.wants()
            wanted = (selectors.EVENT_READ if read else 0) | (selectors.EVENT_WRITE if write else 0)
            if wanted:
                chooser.modify(call.sock, wanted, call)
            else:
                chooser.unregister(call.sock)
                call.sock.close()


main()
