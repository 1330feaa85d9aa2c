#!/usr/bin/env python3
# mutant: struct.pack("I"), which is the order of the machine
# fails: answers_in_upper_case answers_frames_that_come_together waits_for_the_whole_frame
#   answers_frames_however_they_come answers_the_empty_frame takes_a_frame_of_65536_bytes
#   hangs_up_on_a_length_over_65536 takes_no_memory_for_a_false_length does_not_answer_an_end_inside_a_header
#   does_not_answer_an_end_inside_a_payload answers_frames_after_a_half_close sends_every_frame_whole
#   serves_the_next_caller serves_a_caller_who_had_to_wait survives_a_hang_up_without_a_word survives_a_reset
#   survives_a_caller_gone_before_the_answer hangs_up_when_the_caller_does leaves_nothing_behind_after_200_calls
#   leaves_nothing_behind_after_300_messages keeps_every_other_byte waits_for_the_caller prints_what_it_hears
#   prints_each_frame_whole
# code: answers_nothing hangs_up_early truncates
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


def exactly(call, size):
    data = b""
    while len(data) < size:
        piece = call.recv(size - len(data))
        if not piece:
            return None
        data += piece
    return data


def serve(call):
    while (header := exactly(call, 4)) is not None:
        (size,) = struct.unpack("I", header)
        if size > 65536:
            return
        message = exactly(call, size)
        if message is None:
            return
        print(message.decode(errors="replace"), flush=True)
        call.sendall(struct.pack("I", size) + upper(message))


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
