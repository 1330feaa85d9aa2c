# variant: Python, one caller after the other
import os
import signal
import socket
import stat
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


def is_stale(path):
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            return False
    except OSError:
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        try:
            trial.connect(path)
        except ConnectionRefusedError:
            return True
        except OSError:
            pass
    return False


if len(sys.argv) != 2:
    print("usage: server PATH", file=sys.stderr)
    sys.exit(2)
path = sys.argv[1]
if is_stale(path):
    os.unlink(path)
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
