# variant: asyncio, which waits with drain until the caller has taken what there is
import asyncio
import json
import os
import struct
import sys

if len(sys.argv) != 3 or not sys.argv[1].isdigit() or not 1 <= int(sys.argv[1]) <= 65535:
    sys.exit(print("usage: server PORT FILE", file=sys.stderr) or 2)
path = sys.argv[2]


async def serve(reader, writer):
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            header = json.dumps({"filename": os.path.basename(path), "filesize": size}).encode()
            writer.write(struct.pack("!I", len(header)) + header)
            while piece := file.read(65536):
                writer.write(piece)
                await writer.drain()
        writer.close()
        await writer.wait_closed()
    except OSError as error:
        print(f"server: send: {error.strerror}", file=sys.stderr)
        writer.transport.abort()


async def main():
    try:
        open(path, "rb").close()
    except OSError as error:
        sys.exit(print(f"server: open: {error.strerror}", file=sys.stderr) or 1)
    try:
        server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]))
    except OSError as error:
        sys.exit(print(f"server: bind: {os.strerror(error.errno)}", file=sys.stderr) or 1)
    await server.serve_forever()


asyncio.run(main())
