# variant: asyncio; the socket is bound by hand, for start_unix_server() would remove a live one
import asyncio
import os
import signal
import socket
import stat
import struct
import sys


def is_stale(path):
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            return False
    except OSError:
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        try:
            trial.connect(path)
        except ConnectionRefusedError:
            return True
        except OSError:
            pass
    return False


async def converse(reader, writer):
    call = writer.get_extra_info("socket")
    pid, uid, _ = struct.unpack("3i", call.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    print(f"pid={pid} uid={uid}", flush=True)
    try:
        while True:
            line = await reader.readuntil(b"\n")
            if len(line) > 4097:
                break
            sys.stdout.buffer.write(line)
            sys.stdout.flush()
            writer.write(line.upper())
            await writer.drain()
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
        pass
    finally:
        writer.close()


async def main():
    if len(sys.argv) != 2:
        print("usage: server PATH", file=sys.stderr)
        sys.exit(2)
    path = sys.argv[1]
    phone = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if is_stale(path):
            os.unlink(path)
        phone.bind(path)
    except OSError as error:
        print(f"server: bind: {error}", file=sys.stderr)
        sys.exit(1)
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, done.set)
    await asyncio.start_unix_server(converse, sock=phone, limit=4096)
    await done.wait()
    os.unlink(path)
    os._exit(0)


asyncio.run(main())
