# variant: asyncio, every call a coroutine with two deadlines
import asyncio
import os
import sys
import time


def number(text, most):
    if not text.isdecimal() or not 1 <= int(text) <= most:
        print("usage: server PORT IDLE_MS", file=sys.stderr)
        sys.exit(2)
    return int(text)


async def converse(reader, writer):
    heard, due = b"", time.monotonic() + 4 * idle
    try:
        while True:
            left = min(idle, due - time.monotonic())
            new = await asyncio.wait_for(reader.read(4097), max(left, 0))
            if not new:
                break
            heard += new
            while b"\n" in heard:
                line, heard = heard.split(b"\n", 1)
                if len(line) > 4096:
                    return
                sys.stdout.buffer.write(line + b"\n")
                sys.stdout.flush()
                writer.write(line.upper() + b"\n")
                await asyncio.wait_for(writer.drain(), idle)
                due = time.monotonic() + 4 * idle
            if len(heard) > 4096:
                break
    except (asyncio.TimeoutError, ConnectionError):
        pass
    finally:
        writer.close()


async def main():
    try:
        server = await asyncio.start_server(converse, "127.0.0.1", port)
    except OSError as error:
        print(f"server: bind: {os.strerror(error.errno)}", file=sys.stderr)
        sys.exit(1)
    async with server:
        await server.serve_forever()


if len(sys.argv) != 3:
    print("usage: server PORT IDLE_MS", file=sys.stderr)
    sys.exit(2)
port, idle = number(sys.argv[1], 65535), number(sys.argv[2], 10**9) / 1000
asyncio.run(main())
