# variant: Python, the call as an unbuffered file object, the keyboard as text
import socket
import sys


def die(call, reason):
    print(f"client: {call}: {reason}", file=sys.stderr)
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
    die("connect", error.strerror)

stream = call.makefile("rwb", buffering=0)  # read() then returns what there is

while True:
    sys.stdout.write(">>: ")
    sys.stdout.flush()
    line = sys.stdin.readline()
    if not line:
        break
    line = line.rstrip("\n")
    if not line.strip():
        continue
    try:
        stream.write(line.encode("utf-8", "surrogateescape"))
        reply = stream.read(1024)
    except OSError as error:
        die("recv", error.strerror)
    if not reply:
        die("recv", "server hung up")
    print(reply.decode("utf-8", "replace"), flush=True)
stream.close()
call.close()
