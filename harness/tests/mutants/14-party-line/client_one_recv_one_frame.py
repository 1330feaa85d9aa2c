# mutant: takes what one recv() gives for one frame
# fails: prints_the_longest_frame does_not_depend_on_how_the_bytes_arrive
# code: depends_on_arrival truncates
import os
import select
import socket
import struct
import sys


def die(call, reason):
    print(f"client: {call}: {reason}", file=sys.stderr)
    sys.exit(1)


def send(call, frame):
    try:
        call.sendall(struct.pack("!I", len(frame)) + frame)
    except OSError as error:
        die("send", error.strerror)


args = sys.argv[1:]
if len(args) != 3 or not args[1].isdecimal() or not 1 <= int(args[1]) <= 65535:
    print("usage: client HOST PORT NAME", file=sys.stderr)
    sys.exit(2)

call = socket.socket()
try:
    call.connect((args[0], int(args[1])))
except OSError as error:
    die("connect", error.strerror)
send(call, os.fsencode(args[2]))

typed, heard = b"", b""
print(">>: ", end="", flush=True)
while True:
    ready, _, _ = select.select([0, call], [], [])
    if call in ready:
        try:
            piece = call.recv(65536)
        except OSError as error:
            die("recv", error.strerror)
        if not piece:
            die("recv", "server hung up")
        heard += piece
        if len(heard) >= 4:
            (size,) = struct.unpack_from("!I", heard)
            if size > 65536:
                die("recv", "a frame is too long")
            sender, _, text = heard[4 : 4 + size].partition(b"|")
            heard = b""
            os.write(1, b"\n" + sender + b": " + text + b"\n>>: ")
    if 0 in ready:
        keys = os.read(0, 65536)
        typed += keys
        *lines, typed = typed.split(b"\n")
        if not keys and typed:
            lines.append(typed)
        for line in lines:
            send(call, b"say " + line)
        if not keys:
            break
        print(">>: ", end="", flush=True)
call.close()
