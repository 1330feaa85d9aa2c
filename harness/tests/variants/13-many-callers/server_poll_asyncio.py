"""variant: asyncio in Python, with its streams"""
import asyncio
import os
import struct
import sys


async def talk(reader, writer):
    try:
        while True:
            header = await reader.readexactly(4)
            (size,) = struct.unpack("!I", header)
            if size > 65536:
                break
            payload = await reader.readexactly(size)
            os.write(1, payload + b"\n")
            writer.write(header + payload.upper())
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    writer.close()


async def main():
    words = sys.argv[1:]
    if len(words) > 1 or not all(w.isdigit() and 1 <= int(w) <= 65535 for w in words):
        sys.stderr.write("usage: server_poll [PORT]\n")
        sys.exit(2)
    try:
        server = await asyncio.start_server(talk, "127.0.0.1", int(words[0]) if words else 9000, backlog=256)
    except OSError as error:
        sys.stderr.write(f"server: bind: {os.strerror(error.errno)}\n")
        sys.exit(1)
    await server.serve_forever()


asyncio.run(main())
