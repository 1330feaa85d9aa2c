# variant: asyncio, wait_for() around the call and around each reply
import asyncio
import os
import sys


def fail(text):
    print(f"client: {text}", file=sys.stderr, flush=True)
    os._exit(1)


def number(text, most):
    if not text.isdecimal() or not 1 <= int(text) <= most:
        print("usage: client HOST PORT TIMEOUT_MS", file=sys.stderr)
        sys.exit(2)
    return int(text)


async def main():
    if len(sys.argv) != 4:
        print("usage: client HOST PORT TIMEOUT_MS", file=sys.stderr)
        sys.exit(2)
    port, seconds = number(sys.argv[2], 65535), number(sys.argv[3], 10**9) / 1000
    try:
        reader, writer = await asyncio.wait_for(asyncio.open_connection(sys.argv[1], port), seconds)
    except asyncio.TimeoutError:
        fail("connect: Connection timed out")
    except OSError as error:
        fail(f"connect: {os.strerror(error.errno)}")
    loop = asyncio.get_running_loop()
    while True:
        try:
            line = (await loop.run_in_executor(None, input, ">>: ")).strip()
        except EOFError:
            break
        if not line:
            continue
        try:
            writer.write(os.fsencode(line) + b"\n")
            reply = await asyncio.wait_for(reader.readuntil(b"\n"), seconds)
        except asyncio.TimeoutError:
            fail("recv: timed out")
        except asyncio.IncompleteReadError:
            fail("recv: server hung up")
        except OSError as error:
            fail(f"recv: {os.strerror(error.errno)}")
        sys.stdout.buffer.write(reply)
        sys.stdout.flush()
    writer.close()


asyncio.run(main())
