# mutant: waits in sendall() for whoever does not read, and holds the lock meanwhile
# fails: a_receiver_who_does_not_read_delays_nobody keeps_what_waits hangs_up_on_one_for_whom_too_much_waits
# code: keeps_others_waiting passes_on_nothing
import os
import socket
import sys
import threading

FRAME_MAX = 65536
WAITING_MAX = 1 << 20
lock = threading.Lock()  # of the table
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


class Caller:
    def __init__(self, call):
        self.call = call
        self.waiting = []
        self.bytes = 0
        self.over = False
        self.news = threading.Condition()

    def tell(self, frame):
        try:
            self.call.sendall(frame)
        except OSError:
            pass  # its own thread will notice

    def end(self):
        if not self.over:
            self.over = True
            try:
                self.call.shutdown(socket.SHUT_RDWR)  # wakes both threads
            except OSError:
                pass

    def pass_on(self):
        try:
            while True:
                with self.news:
                    while not self.waiting and not self.over:
                        self.news.wait()
                    if self.over:
                        return
                    frame = self.waiting.pop(0)
                self.call.sendall(frame)
                with self.news:
                    self.bytes -= len(frame)
        except OSError:
            pass


def exactly(call, size):
    heard = b""
    while len(heard) < size:
        piece = call.recv(size - len(heard))
        if not piece:
            raise EOFError
        heard += piece
    return heard


def hear(call):
    size = int.from_bytes(exactly(call, 4), "big")
    if size > FRAME_MAX:
        raise EOFError
    return exactly(call, size)


def good(name):
    return 1 <= len(name) <= 32 and all(32 <= byte != 127 for byte in name) and b"|" not in name


def serve(call):
    caller, name = Caller(call), None
    speaker = threading.Thread(target=caller.pass_on)
    speaker.start()
    try:
        said = hear(call)
        with lock:
            if not good(said) or said in callers:
                return
            name = said
            callers[name] = caller
        while True:
            frame = hear(call)
            to, bar, text = frame[4:].partition(b"|")
            if frame[:4] != b"say " or not bar or len(name) + 1 + len(text) > FRAME_MAX:
                continue
            with lock:
                receiver = callers.get(to)
                if receiver:
                    passed = name + b"|" + text
                    receiver.tell(len(passed).to_bytes(4, "big") + passed)
    except (EOFError, OSError):
        pass
    finally:
        with lock:
            if name is not None:
                del callers[name]
        with caller.news:
            caller.end()
            caller.news.notify()
        speaker.join()
        call.close()


threading.stack_size(256 * 1024)
phone = socket.socket()
phone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
try:
    phone.bind(("127.0.0.1", port_from(sys.argv[1:])))
except OSError as error:
    print(f"server: bind: {os.strerror(error.errno)}", file=sys.stderr)
    sys.exit(1)
phone.listen()

while True:
    call, _ = phone.accept()
    threading.Thread(target=serve, args=(call,), daemon=True).start()
