# mutant: prints the bytes object, b'HELLO', instead of the reply
# fails: prints_the_reply prints_a_long_reply
# code: prints_wrong does_not_print
import os
import socket
import sys


def die(call, error):
    print(f"client: {call}: {os.strerror(error.errno)}", file=sys.stderr)
    sys.exit(1)


args = sys.argv[1:]
host = args[0] if len(args) > 0 else "127.0.0.1"
port = args[1] if len(args) > 1 else "9000"
message = args[2] if len(args) > 2 else "hello"
if len(args) > 3 or not port.isdecimal() or not 1 <= int(port) <= 65535:
    print("usage: client [HOST [PORT [MESSAGE]]]", file=sys.stderr)
    sys.exit(2)

call = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
try:
    call.connect((host, int(port)))
except OSError as error:
    die("connect", error)

call.sendall(os.fsencode(message))
reply = call.recv(1024)
print(reply)
call.close()
