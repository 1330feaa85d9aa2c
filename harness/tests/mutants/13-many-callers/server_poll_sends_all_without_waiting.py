"""
mutant: sendall() on a socket that does not wait, which raises when the buffer is full, and loses what it had not sent
fails: a_caller_who_does_not_read_delays_nobody who_reads_late_gets_every_answer
    who_reads_late_gets_every_answer_after_a_half_close
code: hangs_up_early stops_serving
"""
import os
import selectors
import socket
import struct
import sys


class Call:
    def __init__(self, sock):
        self.sock, self.heard = sock, b""

    def serve(self):
        """False: the call is over."""
        try:
            piece = self.sock.recv(65536)
        except ConnectionError:
            return False
        if not piece:
            return False
        self.heard += piece
        while len(self.heard) >= 4:
            (size,) = struct.unpack("!I", self.heard[:4])
            if size > 65536:
                return False
            if len(self.heard) < 4 + size:
                break
            frame, self.heard = self.heard[: 4 + size], self.heard[4 + size :]
            os.write(1, frame[4:] + b"\n")
            try:
                self.sock.sendall(frame[:4] + frame[4:].upper())
            except ConnectionError:
                return False
        return True


def main():
    words = sys.argv[1:]
    if len(words) > 1 or not all(w.isdigit() and 1 <= int(w) <= 65535 for w in words):
        sys.stderr.write("usage: server_poll [PORT]\n")
        sys.exit(2)
    phone = socket.socket()
    phone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        phone.bind(("127.0.0.1", int(words[0]) if words else 9000))
    except OSError as error:
        sys.stderr.write(f"server: bind: {error.strerror}\n")
        sys.exit(1)
    phone.listen(128)
    chooser = selectors.PollSelector()
    chooser.register(phone, selectors.EVENT_READ)
    while True:
        for key, _ in chooser.select():
            if key.data is None:
                sock, _ = phone.accept()
                sock.setblocking(False)
                chooser.register(sock, selectors.EVENT_READ, Call(sock))
            elif not key.data.serve():
                chooser.unregister(key.fileobj)
                key.fileobj.close()


main()
