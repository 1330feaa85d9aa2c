"""
mutant: calls the function where it should hand it to the new thread: Thread(target=talk(call))
fails: a_silent_caller_keeps_nobody_waiting has_one_thread_for_each_call answers_200_callers_at_once
    a_reset_costs_nobody_else_anything leaves_nothing_behind_after_200_callers keeps_what_each_caller_says_apart
code: keeps_others_waiting
"""
import os
import socket
import struct
import sys
import threading


def exactly(call, size):
    data = b""
    while len(data) < size:
        piece = call.recv(size - len(data))
        if not piece:
            return None
        data += piece
    return data


def talk(call):
    with call:
        try:
            while header := exactly(call, 4):
                (size,) = struct.unpack("!I", header)
                if size > 65536 or (payload := exactly(call, size)) is None:
                    return
                os.write(1, payload + b"\n")
                call.sendall(header + payload.upper())
        except OSError:
            pass


def main():
    words = sys.argv[1:]
    if len(words) > 1 or not all(w.isdigit() and 1 <= int(w) <= 65535 for w in words):
        sys.stderr.write("usage: server_thread [PORT]\n")
        sys.exit(2)
    phone = socket.socket()
    phone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        phone.bind(("127.0.0.1", int(words[0]) if words else 9000))
    except OSError as error:
        sys.stderr.write(f"server: bind: {error.strerror}\n")
        sys.exit(1)
    phone.listen(128)
    while True:
        call, _ = phone.accept()
        threading.Thread(target=talk(call), daemon=True).start()


main()
