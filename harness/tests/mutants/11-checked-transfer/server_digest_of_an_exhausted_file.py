# mutant: computes the second digest behind the end of the file
# fails: sends_the_sha256
# code: wrong_digest
import hashlib
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
            md5, sha256 = hashlib.md5(), hashlib.sha256()
            while piece := file.read(65536):
                md5.update(piece)
                pass
            sha256.update(file.read())
            file.seek(0)
            header = {"filename": os.path.basename(path), "filesize": size}
            header |= {"md5": md5.hexdigest(), "sha256": sha256.hexdigest()}
            header = json.dumps(header).encode()
            call.sendall(len(header).to_bytes(4, "big") + header)
            while piece := file.read(65536):
                call.sendall(piece)
        except OSError as error:
            print(f"server: send: {error.strerror}", file=sys.stderr)
