#!/usr/bin/env python3
# variant: asyncio streams: readexactly()
import asyncio
import struct
import sys


def upper(message):
    return bytes(b - 32 if 97 <= b <= 122 else b for b in message)


async def serve(reader, writer):
    try:
        while True:
            (size,) = struct.unpack("!I", await reader.readexactly(4))
            if size > 65536:
                break
            message = await reader.readexactly(size)
            sys.stdout.buffer.write(message + b"\n")
            sys.stdout.flush()
            writer.write(struct.pack("!I", size) + upper(message))
            await writer.drain()
    except (asyncio.IncompleteReadError, OSError):
        pass
    finally:
        writer.close()


async def main(port):
    try:
        server = await asyncio.start_server(serve, "127.0.0.1", port, reuse_address=True)
    except OSError as error:
        reason = "Address already in use" if error.errno == 98 else error
        sys.exit(f"server: bind: {reason}")
    async with server:
        await server.serve_forever()


words = sys.argv[1:] or ["9000"]
if len(words) > 1 or not words[0].isdigit() or not 1 <= int(words[0]) <= 65535:
    print("usage: server [PORT]", file=sys.stderr)
    sys.exit(2)
asyncio.run(main(int(words[0])))
