# mutant: reads the whole file before it listens
# fails: streams_a_large_file says_sizes_beyond_4_gib
# code: holds_the_file exits_early killed spins spins_after_hang_up
import json
import os
import socket
import sys

if len(sys.argv) != 3 or not sys.argv[1].isdigit() or not 1 <= int(sys.argv[1]) <= 65535:
    sys.exit(print("usage: server PORT FILE", file=sys.stderr) or 2)
path = sys.argv[2]
try:
    file = open(path, "rb")
except OSError as error:
    sys.exit(print(f"server: open: {error.strerror}", file=sys.stderr) or 1)
content = file.read()

phone = socket.socket()
phone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
try:
    phone.bind(("127.0.0.1", int(sys.argv[1])))
except OSError as error:
    sys.exit(print(f"server: bind: {error.strerror}", file=sys.stderr) or 1)
phone.listen(16)
while True:
    call, caller = phone.accept()
    with call:
        try:
            file.seek(0)
            size = os.fstat(file.fileno()).st_size
            header = json.dumps({"filename": os.path.basename(path), "filesize": size}).encode()
            call.sendall(len(header).to_bytes(4, "big") + header)
            call.sendall(content)
        except OSError as error:
            print(f"server: send: {error.strerror}", file=sys.stderr)
