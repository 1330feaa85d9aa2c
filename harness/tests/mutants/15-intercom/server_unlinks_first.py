# mutant: the recipe of a thousand pages: unlink() first, whatever is there
# fails: says_that_the_path_is_in_use leaves_a_file_alone leaves_a_symbolic_link_alone
# code: takes_a_live_path takes_what_is_not_its_own
import os
import signal
import socket
import struct
import sys


def die(call, error):
    print(f"server: {call}: {os.strerror(error.errno) if error.errno else error}", file=sys.stderr)
    sys.exit(1)


def serve(call):
    pid, uid, gid = struct.unpack("3i", call.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    print(f"call from pid {pid} of user {uid}", flush=True)
    heard = b""
    while True:
        try:
            new = call.recv(65536)
        except ConnectionError:
            return
        if not new:
            return
        heard += new
        while b"\n" in heard:
            line, heard = heard.split(b"\n", 1)
            if len(line) > 4096:
                return
            sys.stdout.buffer.write(line + b"\n")
            sys.stdout.flush()
            try:
                call.sendall(line.upper() + b"\n")
            except ConnectionError:
                return
        if len(heard) > 4096:
            return


def go(number, frame):
    os.unlink(path)
    sys.exit(0)


if len(sys.argv) != 2:
    print("usage: server PATH", file=sys.stderr)
    sys.exit(2)
path = sys.argv[1]
try:
    os.unlink(path)
except OSError:
    pass
phone = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
try:
    phone.bind(path)
except OSError as error:
    die("bind", error)
phone.listen(16)
signal.signal(signal.SIGINT, go)
signal.signal(signal.SIGTERM, go)
while True:
    call, _ = phone.accept()
    with call:
        serve(call)
