# mutant: lets a refused connection end it with a traceback instead of saying what failed
# fails: says_that_nobody_answers
# code: wrong_error_message
import os
import socket
import sys


args = sys.argv[1:]
host = args[0] if len(args) > 0 else "127.0.0.1"
port = args[1] if len(args) > 1 else "9000"
message = args[2] if len(args) > 2 else "hello"
if len(args) > 3 or not port.isdecimal() or not 1 <= int(port) <= 65535:
    print("usage: client [HOST [PORT [MESSAGE]]]", file=sys.stderr)
    sys.exit(2)

call = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
call.connect((host, int(port)))

call.sendall(os.fsencode(message))
reply = call.recv(1024)
sys.stdout.buffer.write(reply + b"\n")
call.close()
