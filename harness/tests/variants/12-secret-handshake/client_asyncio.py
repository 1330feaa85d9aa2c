# variant: Python's asyncio: hears the end of the call while it waits at the keyboard, and ends at once.
import asyncio
import hmac
import os
import sys


def end(text, status=1):
    print(f"client: {text}", file=sys.stderr)
    sys.stderr.flush()
    os._exit(status)  # a thread may still stand at the keyboard


async def frame(reader):
    size = int.from_bytes(await reader.readexactly(4), "big")
    if size > 65536:
        end("recv: a reply of more than 65536 bytes")
    return await reader.readexactly(size)


async def typed():
    print(">>: ", end="", flush=True)
    return await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.readline)


async def talk(host, port, key):
    try:
        reader, writer = await asyncio.open_connection(host, port)
    except OSError as error:
        end(f"connect: {os.strerror(error.errno)}")
    believed = False
    try:
        challenge = await reader.readexactly(32)
        writer.write(hmac.digest(key, challenge, "sha256").hex().encode())
        while True:
            line, reply = asyncio.ensure_future(typed()), asyncio.ensure_future(frame(reader))
            await asyncio.wait({line, reply}, return_when=asyncio.FIRST_COMPLETED)
            if line.done() and not line.result():
                break
            if line.done():
                text = line.result().rstrip(b"\n")
                writer.write(len(text).to_bytes(4, "big") + text)
                await writer.drain()
            answer = await reply  # nothing was asked: then this is the end, and raises
            believed = True
            sys.stdout.buffer.write(answer + b"\n")
            sys.stdout.flush()
    except asyncio.IncompleteReadError:
        end("recv: server hung up" if believed else "refused")
    except OSError as error:
        end(f"recv: {error.strerror}" if believed else "refused")
    os._exit(0)


words = sys.argv[1:]
if len(words) != 3 or not words[1].isdecimal() or not 1 <= int(words[1]) <= 65535:
    print("usage: client HOST PORT KEYFILE", file=sys.stderr)
    sys.exit(2)
try:
    secret = open(words[2], "rb").read()
except OSError as error:
    end(f"open: {error.strerror}")
secret = secret[:-1] if secret[-1:] == b"\n" else secret
if not secret:
    end("open: no key in it")
asyncio.run(talk(words[0], int(words[1]), secret))
