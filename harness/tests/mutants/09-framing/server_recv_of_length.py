#!/usr/bin/env python3
# mutant: recv(4) and recv(length), as if they gave as much as is asked for
# fails: waits_for_the_whole_frame answers_frames_however_they_come takes_a_frame_of_65536_bytes
#   does_not_answer_an_end_inside_a_payload sends_every_frame_whole prints_each_frame_whole
# code: answers_unfinished_frame depends_on_arrival hangs_up_early wrong_bytes truncates
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


def serve(call):
    while header := call.recv(4):
        if len(header) < 4:
            return
        (size,) = struct.unpack(">I", header)
        if size > 65536:
            return
        message = call.recv(size) if size else b""
        if size and not message:
            return
        print(message.decode(errors="replace"), flush=True)
        call.sendall(struct.pack(">I", len(message)) + upper(message))


with socket.socket() as phone:
    phone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        phone.bind(("127.0.0.1", port_of(sys.argv)))
    except OSError as error:
        print(f"server: bind: {error.strerror}", file=sys.stderr)
        sys.exit(1)
    phone.listen()
    while True:
        call, _ = phone.accept()
        with call:
            try:
                serve(call)
            except OSError as error:
                print(f"server: {error}", file=sys.stderr)
