# mutant: remembers the descriptor of a name, which is somebody else's when its owner has gone
# fails: frees_the_name_of_one_who_hung_up frees_the_name_after_a_reset forgets_who_has_gone
#     ends_the_call_at_a_length_over_65536 survives_an_end_inside_a_frame
#     hangs_up_on_one_for_whom_too_much_waits survives_a_receiver_who_is_gone
# code: keeps_the_name speaks_first
import os
import selectors
import socket
import struct
import sys

FRAME_MAX = 65536
WAITING_MAX = 1 << 20


def port_from(arguments):
    try:
        port = int(arguments[0]) if arguments else 9000
    except ValueError:
        port = 0
    if len(arguments) > 1 or not 1 <= port <= 65535:
        print("usage: server [PORT]", file=sys.stderr)
        sys.exit(2)
    return port


class Relay:
    def __init__(self, phone):
        self.phone = phone
        self.lines = selectors.DefaultSelector()
        self.lines.register(phone, selectors.EVENT_READ)
        self.names = {}

    def run(self):
        while True:
            for key, events in self.lines.select():
                if key.fileobj is self.phone:
                    self.pick_up()
                elif key.data.call.fileno() != -1:
                    if events & selectors.EVENT_WRITE:
                        self.speak(key.data)
                    if events & selectors.EVENT_READ and key.data.call.fileno() != -1:
                        self.listen(key.data)

    def pick_up(self):
        try:
            call, _ = self.phone.accept()
        except OSError:
            return
        call.setblocking(False)
        self.lines.register(call, selectors.EVENT_READ, Caller(call))

    def hang_up(self, caller):
        if caller.call.fileno() == -1:
            return
        self.lines.unregister(caller.call)
        caller.call.close()

    def speak(self, caller):
        try:
            del caller.waiting[: caller.call.send(caller.waiting)]
        except BlockingIOError:
            pass
        except OSError:
            return self.hang_up(caller)
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if caller.waiting else 0)
        self.lines.modify(caller.call, events, caller)

    def listen(self, caller):
        try:
            heard = caller.call.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            heard = b""
        if not heard:
            return self.hang_up(caller)
        caller.heard += heard
        while len(caller.heard) >= 4 and caller.call.fileno() != -1:
            (size,) = struct.unpack_from("!I", caller.heard)
            if size > FRAME_MAX:
                return self.hang_up(caller)
            if len(caller.heard) < 4 + size:
                break
            frame = bytes(caller.heard[4 : 4 + size])
            del caller.heard[: 4 + size]
            self.understand(caller, frame)

    def find(self, name):
        if name not in self.names:
            return None
        key = self.lines.get_map().get(self.names[name])
        return key.data if key else None

    def understand(self, caller, frame):
        if caller.name is None:
            if not 1 <= len(frame) <= 32 or self.find(frame) or any(b < 32 or b in (124, 127) for b in frame):
                return self.hang_up(caller)
            caller.name = frame
            self.names[frame] = caller.call.fileno()
            return
        if not frame.startswith(b"say ") or b"|" not in frame:
            return
        to, text = frame[4:].split(b"|", 1)
        passed = caller.name + b"|" + text
        receiver = self.find(to)
        if not receiver or len(passed) > FRAME_MAX:
            return
        receiver.waiting += struct.pack("!I", len(passed)) + passed
        self.speak(receiver)
        if len(receiver.waiting) > WAITING_MAX:
            self.hang_up(receiver)


class Caller:
    def __init__(self, call):
        self.call = call
        self.name = None
        self.heard = bytearray()
        self.waiting = bytearray()


phone = socket.socket()
phone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
try:
    phone.bind(("127.0.0.1", port_from(sys.argv[1:])))
except OSError as error:
    print(f"server: bind: {os.strerror(error.errno)}", file=sys.stderr)
    sys.exit(1)
phone.listen(5)
phone.setblocking(False)
Relay(phone).run()
