# mutant: takes what one recv() gives for one line.
# fails: waits_for_the_end_of_a_line keeps_the_beginning_of_the_next_line
#        answers_the_same_however_it_comes takes_a_line_of_4096_bytes hangs_up_on_a_line_without_end
#        does_not_answer_an_unfinished_line answers_after_a_half_close sends_everything
#        keeps_the_callers_apart prints_each_line_whole
# code: answers_unfinished_line depends_on_arrival sends_newline wrong_bytes truncates
import os
import socket
import sys


def port_from(arguments):
    try:
        port = int(arguments[0]) if arguments else 9000
    except ValueError:
        port = 0
    if len(arguments) > 1 or not 1 <= port <= 65535:
        print("usage: server [PORT]", file=sys.stderr)
        sys.exit(2)
    return port


def print_message(heard):
    sys.stdout.buffer.write(heard + b"\n")
    sys.stdout.buffer.flush()


def converse(call):
    while heard := call.recv(4096):
        line = heard.rstrip(b"\n")
        print_message(line)
        call.sendall(line.upper() + b"\n")


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
    with call:
        try:
            converse(call)
        except ConnectionError as error:
            print(f"server: {error}", file=sys.stderr)
