# mutant: reads the reply until the server hangs up.
# fails: sends_what_is_typed reads_a_reply_in_two_pieces reads_a_reply_however_it_comes
#        prints_a_nul_byte sends_4096_bytes notices_a_hang_up_at_the_prompt
#        notices_a_hang_up_instead_of_a_reply notices_a_hang_up_inside_a_reply notices_a_reset
#        survives_writing_to_a_closed_call ends_quietly_if_the_input_ends_first
#        says_nothing_on_an_empty_line says_nothing_on_spaces skips_empty_lines_in_a_pipe sends_utf8
#        prints_each_reply_at_once waits_for_each_reply works_in_a_pipe works_from_a_file
#        ends_at_end_of_input leaves_nothing_behind_after_300_messages
# code: sends_nothing does_not_print does_not_hang_up sends_empty_line
import os
import readline  # history and line editing for input()
import socket
import sys


def die(call, error):
    print(f"client: {call}: {os.strerror(error.errno)}", file=sys.stderr)
    sys.exit(1)


args = sys.argv[1:]
host = args[0] if len(args) > 0 else "127.0.0.1"
port = args[1] if len(args) > 1 else "9000"
if len(args) > 2 or not port.isdecimal() or not 1 <= int(port) <= 65535:
    print("usage: client [HOST [PORT]]", file=sys.stderr)
    sys.exit(2)

call = socket.socket()
try:
    call.connect((host, int(port)))
except OSError as error:
    die("connect", error)

while True:
    try:
        line = input(">>: ")
    except EOFError:
        break
    if not line.strip():
        continue
    try:
        call.sendall(os.fsencode(line) + b"\n")
    except OSError as error:
        die("send", error)
    try:
        reply = call.makefile("rb").read()
    except OSError as error:
        die("recv", error)
    if not reply:
        sys.exit("client: recv: server hung up")
    sys.stdout.buffer.write(reply)
    sys.stdout.flush()
call.close()
