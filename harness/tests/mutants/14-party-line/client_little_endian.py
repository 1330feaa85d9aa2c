# mutant: writes the length in the order of its own machine
# fails: says_its_name_first sends_what_is_typed prints_what_comes_at_once sends_the_half_typed_line_whole
#     does_not_spoil_the_line_being_typed notices_at_once_that_the_server_has_gone
#     notices_it_in_the_middle_of_a_line notices_it_in_a_pipe notices_a_reset
#     survives_writing_to_a_closed_call sends_utf8 prints_the_text_as_it_is prints_what_comes_in_a_pipe
#     prints_the_longest_frame does_not_depend_on_how_the_bytes_arrive ends_at_a_length_over_65536
#     works_in_a_pipe works_from_a_file ends_at_end_of_input leaves_nothing_behind_after_300_messages
# code: length_byte_order wrong_length
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
        call.sendall(struct.pack("=I", len(frame)) + frame)
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
        while len(heard) >= 4:
            (size,) = struct.unpack_from("!I", heard)
            if size > 65536:
                die("recv", "a frame is too long")
            if len(heard) < 4 + size:
                break
            sender, _, text = heard[4 : 4 + size].partition(b"|")
            heard = heard[4 + size :]
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
