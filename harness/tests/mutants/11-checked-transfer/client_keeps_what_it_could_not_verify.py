# mutant: finds out, and has replaced the older file by then
# fails: refuses_a_flipped_byte refuses_a_digest_that_is_right_in_part refuses_a_wrong_sha256
# code: destroys_older_file
import hashlib
import json
import os
import socket
import sys
import tempfile

if not 3 <= len(sys.argv) <= 4 or not sys.argv[2].isdigit() or not 1 <= int(sys.argv[2]) <= 65535:
    sys.exit(print("usage: client HOST PORT [DIR]", file=sys.stderr) or 2)
folder = sys.argv[3] if len(sys.argv) > 3 else "."


def exactly(call, size):
    data = b""
    while len(data) < size:
        piece = call.recv(size - len(data))
        if not piece:
            raise EOFError("server hung up")
        data += piece
    return data


def look_at(header):
    if not isinstance(header, dict):
        raise ValueError("header: no object")
    name, size = header.get("filename"), header.get("filesize")
    if not isinstance(name, str) or not isinstance(size, int) or size < 0:
        raise ValueError("header: no name or no size")
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        raise ValueError("header: no name for a file")
    md5, sha256 = header.get("md5"), header.get("sha256")
    if not isinstance(md5, str):
        raise ValueError("header: no md5")
    return name, size, md5, sha256


def fetch(call):
    length = int.from_bytes(exactly(call, 4), "big")
    if length > 65536:
        raise ValueError("header: too long")
    name, size, *digests = look_at(json.loads(exactly(call, length).decode()))
    descriptor, temporary = tempfile.mkstemp(dir=folder)
    try:
        sums = hashlib.md5(), hashlib.sha256()
        with open(descriptor, "wb") as file:
            left = size
            while left > 0:
                piece = call.recv(min(left, 65536))
                if not piece:
                    raise EOFError("the stream ended early")
                file.write(piece)
                for sum in sums:
                    sum.update(piece)
                left -= len(piece)
                if sys.stdout.isatty():
                    print(f"\r{100 - left * 100 // size:3}%", end="", flush=True)
        os.replace(temporary, os.path.join(folder, name))
    except BaseException:
        os.unlink(temporary)
        raise
    for sum, digest in zip(sums, digests):
        if digest is not None and sum.hexdigest() != digest:
            raise ValueError("verification failed")
    print(f"{name} {size} bytes verified")


try:
    with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as call:
        fetch(call)
except ConnectionRefusedError as error:
    sys.exit(print(f"client: connect: {error.strerror}", file=sys.stderr) or 1)
except (OSError, EOFError, ValueError) as error:
    sys.exit(f"client: {error}")
