"""seeds: bytes for the fuzzers to begin with, one file each, in FOLDER/TARGET/.

    python3 seeds.py FOLDER

The first line of each target's own comment says what its bytes mean.
"""

import struct
import sys
from pathlib import Path


def frame(payload):
    return struct.pack("!I", len(payload)) + payload


def of_frames():
    streams = {
        "two": frame(b"hello") + frame(b"") + frame(b"x" * 300),
        "too-long": struct.pack("!I", 65537) + b"x",
        "largest": struct.pack("!I", 65536) + b"y" * 100,
        "cut-header": b"\0\0",
        "cut-payload": frame(b"hello")[:7],
        "lies": b"\xff\xff\xff\xff",
        "nothing": b"",
    }
    for name, stream in streams.items():
        yield name, bytes([0, 0, 0, 1]) + stream
        yield name + "-in-pieces", bytes([3, 1, 7, 2]) + stream
        yield name + "-large", bytes([0, 2, 251 + len(name) % 5, 3]) + stream


def header(text, content, piece=0, how=0):
    return bytes([piece, how, 1]) + struct.pack("!H", len(text)) + text + content


def of_headers(digests):
    more = b', "md5": "' + b"M" * 32 + b'"' if digests else b""
    both = more + b', "sha256": "' + b"S" * 64 + b'"' if digests else b""
    for name in (b"hello.txt", "战狼.txt".encode(), b"older", b".", b"..", b"", b"a/b", b"../up", b"x" * 300, b"\xff\xfe"):
        text = b'{"filename": "' + name + b'", "filesize": 5' + both + b"}"
        yield "name-" + name[:12].hex(), header(text, b"12345")
    for size in (b"0", b"-1", b"5", b"6", b"5.0", b"1e3", b'"5"', b"9223372036854775807", b"99999999999999999999", b"null", b"true"):
        text = b'{"filesize": ' + size + b', "filename": "f", "more": [1, {}]' + more + b"}"
        yield "size-" + size.hex(), header(text, b"12345", 3, 1)
    for name, text in {
        "list": b"[]", "nothing": b"", "number": b"5", "open": b'{"filename": "f"', "twice": b'{"filename": "a", "filename": "b", "filesize": 0}',
        "nul": b'{"filename": "a\\u0000b", "filesize": 0}', "deep": b"[" * 2000, "escapes": b'{"filename": "\\ud800", "filesize": 0}',
    }.items():
        yield name, header(text, b"12345")
    yield "no-frame", header(b"\0\0\0\2{}", b"", 0, 4)
    yield "reset", header(b'{"filename": "f", "filesize": 9}', b"12345", 2, 2)


def of_callers():
    key = b"secret\n"
    talk = frame(b"hello") + frame(b"") + frame(bytes(range(256)))
    for kind in range(4):
        for piece, how in ((0, 0), (5, 1), (64, 2), (1, 0)):
            yield f"digest-{kind}-{piece}", bytes([piece, how, kind, 17, 0, len(key)]) + key + talk
    yield "frames-first", bytes([0, 0, 0, 1, 0, len(key)]) + key + talk
    yield "zeros", bytes([0, 0, 0, 1, 0, len(key)]) + key + b"0" * 64 + talk
    yield "late", bytes([7, 0, 1, 1, 4, len(key)]) + key + talk
    yield "no-key", bytes([0, 0, 1, 1, 0, 1]) + b"\n" + talk
    yield "binary-key", bytes([0, 0, 1, 1, 0, 200]) + bytes(range(56, 256)) + talk
    yield "lies", bytes([0, 0, 1, 1, 0, len(key)]) + key + b"\xff\xff\xff\xff" + talk


def of_servers():
    key = b"secret\n"
    challenge = bytes(range(200, 232))
    replies = frame(b"HELLO") + frame(b"") + frame(b"HOW ARE YOU") + frame(b"BYE")
    for lines in range(4):
        for piece, how in ((0, 0), (5, 1), (64, 2), (0, 1)):
            yield f"talk-{how}-{lines}-{piece}", bytes([piece, how, lines, 1, len(key)]) + key + challenge + replies
    yield "nul", bytes([0, 0, 0, 1, len(key)]) + key + bytes(32) + replies
    yield "half", bytes([0, 0, 0, 1, len(key)]) + key + challenge[:20]
    yield "refused", bytes([0, 0, 0, 1, len(key)]) + key + challenge
    yield "cut", bytes([0, 0, 0, 1, len(key)]) + key + challenge + replies[:7]
    yield "lies", bytes([0, 0, 0, 1, len(key)]) + key + challenge + b"\0\1\0\1"
    yield "no-key", bytes([0, 0, 0, 1, 0]) + challenge
    yield "no-file", bytes([0, 4, 0, 1, 0]) + challenge


def of_relays():
    rings, says_bytes, says_frame, his_name, to_somebody, reads, hangs_up, resets = range(8)
    do = lambda what, who=0, *rest: bytes([what | who << 3, *rest])
    three = do(rings) * 3 + b"".join(do(his_name, who, who) for who in range(3))
    talk = do(to_somebody, 0, 1, 5, 1) + do(to_somebody, 1, 0, 3, 2) + do(to_somebody, 2, 2, 9, 3)
    for piece, how, batch in ((0, 0, 0), (1, 1, 3), (4, 0, 15)):
        start = bytes([piece, how, 7, batch])
        yield f"three-{piece}", start + three + talk + do(hangs_up, 1) + talk
        yield f"taken-{piece}", start + three + do(rings) + do(his_name, 3, 0) + do(hangs_up, 0) + do(rings) + do(his_name, 4, 0) + talk
        yield f"reset-{piece}", start + three + talk + do(resets, 0) + talk + do(reads, 1, 255)
        yield f"sleeper-{piece}", start + three + do(to_somebody, 0, 1, 255, 255) * 24 + do(reads, 1, 200) + talk
        yield f"names-{piece}", start + b"".join(do(rings) + do(his_name, n, n) for n in range(8)) + talk
        yield f"bytes-{piece}", start + three + do(says_bytes, 0, 8) + frame(b"say ") + do(says_frame, 0, 6) + b"say b|" + do(says_bytes, 1, 4) + b"\xff" * 4
        yield f"strange-{piece}", start + three + b"".join(do(says_frame, 0, len(t)) + t for t in (b"", b"say", b"say ", b"say |x", b"say bob", b"say bob|", b"say bob|a|b", b"say bob\0|x"))


TARGETS = {
    "frame": of_frames(),
    "header10": of_headers(False),
    "header11": of_headers(True),
    "handshake_server": of_callers(),
    "handshake_client": of_servers(),
    "relay": of_relays(),
}

for target, seeds in TARGETS.items():
    folder = Path(sys.argv[1]) / target
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in seeds:
        (folder / name).write_bytes(content)
