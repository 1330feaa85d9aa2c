# variant: Python's asyncio: all calls at once, and wait_for() around the whole handshake.
import asyncio
import hashlib
import hmac
import os
import sys


def usage():
    print("usage: server PORT KEYFILE [TIMEOUT_MS]", file=sys.stderr)
    sys.exit(2)


def die(call, reason):
    print(f"server: {call}: {reason}", file=sys.stderr)
    sys.exit(1)


async def answer_of(reader, writer, key):
    challenge = os.urandom(32)
    writer.write(challenge)
    answer = await reader.readexactly(64)
    return hmac.compare_digest(answer, hmac.new(key, challenge, hashlib.sha256).hexdigest().encode("ascii"))


async def converse(reader, writer):
    while True:
        header = await reader.readexactly(4)
        size = int.from_bytes(header, "big")
        if size > 65536:
            return
        message = await reader.readexactly(size)
        sys.stdout.buffer.write(message + b"\n")
        sys.stdout.buffer.flush()
        writer.write(header + message.upper())
        await writer.drain()


async def serve(port, key, seconds):
    async def call(reader, writer):
        try:
            if await asyncio.wait_for(answer_of(reader, writer, key), seconds):
                await converse(reader, writer)
        except (asyncio.TimeoutError, asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()

    try:
        server = await asyncio.start_server(call, "127.0.0.1", port)
    except OSError as error:
        die("bind", os.strerror(error.errno))
    await server.serve_forever()


words = sys.argv[1:]
if not 2 <= len(words) <= 3 or not words[0].isdecimal() or not all(word.isdecimal() for word in words[2:]):
    usage()
port, ms = int(words[0]), int(words[2]) if len(words) > 2 else 2000
if not 1 <= port <= 65535 or ms < 1:
    usage()
try:
    secret = open(words[1], "rb").read()
except OSError as error:
    die("open", error.strerror)
secret = secret[: len(secret) - secret.endswith(b"\n")]
if not secret:
    die("open", "the key is empty")
asyncio.run(serve(port, secret, ms / 1000))
