#!/usr/bin/env python3
# variant: selectors, with what has come and what is to go kept for each caller
import selectors
import socket
import struct
import sys


def port_of(words):
    if len(words) > 2 or not (words[1:] or ["9000"])[0].isdigit():
        sys.exit(usage())
    port = int((words[1:] or ["9000"])[0])
    if not 1 <= port <= 65535:
        sys.exit(usage())
    return port


def usage():
    print("usage: server [PORT]", file=sys.stderr)
    return 2


def upper(message):
    return bytes(b - 32 if 97 <= b <= 122 else b for b in message)


class Caller:
    def __init__(self, call):
        self.call, self.heard, self.to_say, self.ended = call, bytearray(), bytearray(), False

    def events(self):
        reads = 0 if self.ended else selectors.EVENT_READ
        return reads | (selectors.EVENT_WRITE if self.to_say else 0)

    def listen(self):
        piece = self.call.recv(65536)
        self.ended = not piece
        self.heard += piece
        while len(self.heard) >= 4:
            (size,) = struct.unpack_from(">I", self.heard)
            if size > 65536:
                raise ConnectionAbortedError("no frame is that long")
            if len(self.heard) < 4 + size:
                break
            message = bytes(self.heard[4 : 4 + size])
            del self.heard[: 4 + size]
            sys.stdout.buffer.write(message + b"\n")
            sys.stdout.flush()
            self.to_say += struct.pack(">I", size) + upper(message)

    def speak(self):
        del self.to_say[: self.call.send(self.to_say)]


def turn(caller, events):
    try:
        if events & selectors.EVENT_READ:
            caller.listen()
        if events & selectors.EVENT_WRITE:
            caller.speak()
    except OSError:
        return False
    return not (caller.ended and not caller.to_say)


phone = socket.socket()
phone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
try:
    phone.bind(("127.0.0.1", port_of(sys.argv)))
except OSError as error:
    sys.exit(f"server: bind: {error.strerror}")
phone.listen(100)
waiting = selectors.DefaultSelector()
waiting.register(phone, selectors.EVENT_READ)
while True:
    for key, events in waiting.select():
        if key.fileobj is phone:
            call, _ = phone.accept()
            call.setblocking(False)
            waiting.register(call, selectors.EVENT_READ, Caller(call))
        elif turn(key.data, events):
            waiting.modify(key.fileobj, key.data.events(), key.data)
        else:
            waiting.unregister(key.fileobj)
            key.fileobj.close()
