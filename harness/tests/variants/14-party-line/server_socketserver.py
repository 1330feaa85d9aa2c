# variant: socketserver with threads; what waits for a caller is sent by a thread of its own, that begins when it is needed
import os
import socket
import socketserver
import sys
import threading

FRAME_MAX = 65536
WAITING_MAX = 1 << 20
lock = threading.Lock()
callers = {}


def port_from(arguments):
    try:
        port = int(arguments[0]) if arguments else 9000
    except ValueError:
        port = 0
    if len(arguments) > 1 or not 1 <= port <= 65535:
        print("usage: server [PORT]", file=sys.stderr)
        sys.exit(2)
    return port


class Caller(socketserver.StreamRequestHandler):
    def setup(self):
        super().setup()
        self.waiting = b""
        self.sending = False
        self.name = None

    def hear(self):
        header = self.rfile.read(4)
        size = int.from_bytes(header, "big")
        if len(header) < 4 or size > FRAME_MAX:
            raise EOFError
        frame = self.rfile.read(size)
        if len(frame) < size:
            raise EOFError
        return frame

    def tell(self, frame):  # with the lock held
        self.waiting += len(frame).to_bytes(4, "big") + frame
        if len(self.waiting) > WAITING_MAX:
            self.forget()
            self.request.shutdown(socket.SHUT_RDWR)
        elif not self.sending:
            self.sending = True
            threading.Thread(target=self.pass_on, daemon=True).start()

    def pass_on(self):
        while True:
            with lock:
                frames = self.waiting
                if not frames:
                    self.sending = False
                    return
            try:
                taken = self.request.send(frames[:65536])
            except OSError:
                return
            with lock:
                self.waiting = self.waiting[taken:]

    def forget(self):
        if callers.get(self.name) is self:
            del callers[self.name]

    def handle(self):
        try:
            name = self.hear()
            with lock:
                good = 1 <= len(name) <= 32 and not any(b < 32 or b in b"|\x7f" for b in name)
                if not good or name in callers:
                    return
                self.name = name
                callers[name] = self
            while True:
                frame = self.hear()
                to, bar, text = frame[4:].partition(b"|")
                with lock:
                    if frame.startswith(b"say ") and bar and to in callers and len(name + bar + text) <= FRAME_MAX:
                        callers[to].tell(name + bar + text)
        except (EOFError, OSError):
            pass
        finally:
            with lock:
                self.forget()


class Relay(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


port = port_from(sys.argv[1:])
try:
    relay = Relay(("127.0.0.1", port), Caller)
except OSError as error:
    print(f"server: bind: {os.strerror(error.errno)}", file=sys.stderr)
    sys.exit(1)
relay.serve_forever(0.1)  # it looks round so often, in seconds
