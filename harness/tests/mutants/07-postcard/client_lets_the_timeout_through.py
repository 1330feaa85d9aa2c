# mutant: does not catch what a time-out raises.
# fails: says_no_answer_in_time strangers_do_not_prolong_the_wait forgets_a_late_reply
# code: exits_early does_not_print
import os
import readline  # history and line editing for input()
import socket
import sys

args = sys.argv[1:]
host = args[0] if len(args) > 0 else "127.0.0.1"
port = args[1] if len(args) > 1 else "9000"
ms = args[2] if len(args) > 2 else "1000"
if len(args) > 3 or not port.isdecimal() or not 1 <= int(port) <= 65535 or not ms.isdecimal() or int(ms) < 1:
    print("usage: client [HOST [PORT [TIMEOUT_MS]]]", file=sys.stderr)
    sys.exit(2)

box = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
box.connect((host, int(port)))


def empty():
    box.setblocking(False)
    while True:
        try:
            box.recv(65507)
        except BlockingIOError:
            break
        except ConnectionRefusedError:
            pass
    box.settimeout(int(ms) / 1000)


while True:
    try:
        line = input(">>: ")
    except EOFError:
        break
    empty()
    try:
        box.send(os.fsencode(line))
        reply = box.recv(65507)
    except ConnectionRefusedError:
        reply = b"no answer"
    sys.stdout.buffer.write(reply + b"\n")
    sys.stdout.flush()
