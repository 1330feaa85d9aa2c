# mutant: joins folder and name, and leaves the rest to os.path
# fails: refuses_a_name_with_a_slash
# code: trusts_the_name
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
    if name in ("", ".", "..") or "\0" in name:
        raise ValueError("header: no name for a file")
    return name, size


def fetch(call):
    length = int.from_bytes(exactly(call, 4), "big")
    if length > 65536:
        raise ValueError("header: too long")
    name, size = look_at(json.loads(exactly(call, length).decode()))
    descriptor, temporary = tempfile.mkstemp(dir=folder)
    try:
        with open(descriptor, "wb") as file:
            left = size
            while left > 0:
                piece = call.recv(min(left, 65536))
                if not piece:
                    raise EOFError("the stream ended early")
                file.write(piece)
                left -= len(piece)
                if sys.stdout.isatty():
                    print(f"\r{100 - left * 100 // size:3}%", end="", flush=True)
        os.replace(temporary, os.path.join(folder, name))
    except BaseException:
        os.unlink(temporary)
        raise
    print(f"{name} {size} bytes")


try:
    with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as call:
        fetch(call)
except ConnectionRefusedError as error:
    sys.exit(print(f"client: connect: {error.strerror}", file=sys.stderr) or 1)
except (OSError, EOFError, ValueError) as error:
    sys.exit(f"client: {error}")
