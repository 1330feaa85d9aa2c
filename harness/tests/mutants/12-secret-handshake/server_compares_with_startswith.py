# mutant: asks whether the right digest begins with what has come
# fails: refuses_a_digest_cut_off takes_all_in_any_pieces
# code: believes_wrong_digest depends_on_arrival

import hashlib
import hmac
import os
import socket
import struct
import sys
import time

MOST = 65536


def die(call, error):
    print(f"server: {call}: {os.strerror(error.errno)}", file=sys.stderr)
    sys.exit(1)


def arguments(words):
    try:
        if not 2 <= len(words) <= 3:
            raise ValueError
        port, ms = int(words[0]), int(words[2]) if len(words) == 3 else 2000
        if not 1 <= port <= 65535 or ms <= 0:
            raise ValueError
    except ValueError:
        print("usage: server PORT KEYFILE [TIMEOUT_MS]", file=sys.stderr)
        sys.exit(2)
    return port, words[1], ms / 1000


def read_key(path):
    try:
        with open(path, "rb") as file:
            key = file.read().removesuffix(b"\n")
    except OSError as error:
        die("open", error)
    if not key:
        print("server: the key is empty", file=sys.stderr)
        sys.exit(1)
    return key


def exactly(call, size, deadline=None):
    heard = b""
    while len(heard) < size:
        if deadline is not None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            call.settimeout(left)
        piece = call.recv(size - len(heard))
        if not piece:
            raise EOFError
        heard += piece
    return heard


def handshake(call, key, seconds):
    deadline = time.monotonic() + seconds
    challenge = os.urandom(32)
    call.sendall(challenge)
    right = hmac.new(key, challenge, hashlib.sha256).hexdigest().encode()
    call.settimeout(seconds)
    answer = call.recv(64)
    call.settimeout(None)
    return right.startswith(answer)


def serve(call, key, seconds):
    if not handshake(call, key, seconds):
        return
    while True:
        (size,) = struct.unpack("!I", exactly(call, 4))
        if size > MOST:
            return
        message = exactly(call, size)
        sys.stdout.buffer.write(message + b"\n")
        sys.stdout.buffer.flush()
        call.sendall(struct.pack("!I", size) + message.upper())


port, path, seconds = arguments(sys.argv[1:])
key = read_key(path)
phone = socket.socket()
phone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
try:
    phone.bind(("127.0.0.1", port))
except OSError as error:
    die("bind", error)
phone.listen()
while True:
    call, _ = phone.accept()
    with call:
        try:
            serve(call, key, seconds)
        except (OSError, EOFError):
            pass
