# mutant: says its digests in base64
# fails: sends_the_md5 sends_the_sha256 says_digests_of_an_empty_file says_the_same_to_every_caller
# code: wrong_digest
import base64
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
                sha256.update(piece)
            file.seek(0)
            header = {"filename": os.path.basename(path), "filesize": size}
            header |= {"md5": base64.b64encode(md5.digest()).decode(), "sha256": base64.b64encode(sha256.digest()).decode()}
            header = json.dumps(header).encode()
            call.sendall(len(header).to_bytes(4, "big") + header)
            while piece := file.read(65536):
                call.sendall(piece)
        except OSError as error:
            print(f"server: send: {error.strerror}", file=sys.stderr)
