"""variant: select.poll() in Python"""
import os
import socket
import struct
import sys
import select


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
    poll, calls = select.poll(), {}
    poll.register(phone, select.POLLIN)
    while True:
        for fd, events in poll.poll():
            if fd == phone.fileno():
                try:
                    sock, _ = phone.accept()
                except OSError:
                    continue
                sock.setblocking(False)
                calls[sock.fileno()] = Call(sock)
                poll.register(sock, select.POLLIN)
                continue
            call = calls[fd]
            if not call.done and events & ~select.POLLOUT:
                call.hear()
            if call.answers:
                call.speak()
            read, write = call.wants()
            if write:  # one thing after the other: who does not read is not heard either
                poll.modify(fd, select.POLLOUT)
            elif read:
                poll.modify(fd, select.POLLIN)
            else:
                poll.unregister(fd)
                calls.pop(fd).sock.close()


main()
