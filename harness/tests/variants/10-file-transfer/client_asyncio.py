# variant: asyncio
import asyncio
import json
import os
import struct
import sys


async def fetch(host, port, folder):
    try:
        reader, writer = await asyncio.open_connection(host, port)
    except OSError as error:
        sys.exit(print(f"client: connect: {os.strerror(error.errno)}", file=sys.stderr) or 1)
    (length,) = struct.unpack("!I", await reader.readexactly(4))
    if length > 65536:
        raise ValueError("too long a header")
    header = json.loads(str(await reader.readexactly(length), "utf-8"))
    name, size = header["filename"], header["filesize"]
    if not isinstance(name, str) or name != os.path.basename(name) or name in ("", ".", "..") or "\0" in name:
        raise ValueError("a name that is none")
    if not isinstance(size, int) or size < 0:
        raise ValueError("a size that is none")
    temporary = os.path.join(folder, f".{os.getpid()}.part")
    try:
        with open(temporary, "wb", buffering=0) as file:
            done = 0
            while done < size:
                piece = await reader.read(min(size - done, 65536))
                if not piece:
                    raise EOFError(f"{done} of {size} bytes came")
                view = memoryview(piece)
                while view:
                    view = view[file.write(view) :]
                done += len(piece)
                if sys.stderr.isatty():
                    sys.stderr.write(f"\r{done}/{size} ({done / size:.0%})")
        os.rename(temporary, os.path.join(folder, name))
    except Exception:
        os.remove(temporary)
        raise
    print(name, size)
    writer.close()


if not 3 <= len(sys.argv) <= 4 or not sys.argv[2].isdigit() or not 0 < int(sys.argv[2]) < 65536:
    sys.exit(print("usage: client HOST PORT [DIR]", file=sys.stderr) or 2)
asyncio.run(fetch(sys.argv[1], int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "."))
