# mutant: waits in drain() for whoever does not read, in the name of who speaks
# fails: a_receiver_who_does_not_read_delays_nobody keeps_what_waits hangs_up_on_one_for_whom_too_much_waits
# code: keeps_others_waiting passes_on_nothing
import asyncio
import os
import sys

FRAME_MAX = 65536
WAITING_MAX = 1 << 20
callers = {}


def port_from(arguments):
    try:
        port = int(arguments[0]) if arguments else 9000
    except ValueError:
        port = 0
    if len(arguments) > 1 or not 1 <= port <= 65535:
        print("usage: server [PORT]", file=sys.stderr)
        sys.exit(2)
    return port


async def hear(reader):
    size = int.from_bytes(await reader.readexactly(4), "big")
    if size > FRAME_MAX:
        raise ValueError("a frame is too long")
    return await reader.readexactly(size)


def will_do(name):
    return 1 <= len(name) <= 32 and b"|" not in name and min(name) >= 32 and 127 not in name and name not in callers


async def pass_on(name, frame):
    to, bar, text = frame[4:].partition(b"|")
    if not frame.startswith(b"say ") or not bar or to not in callers or len(name) + 1 + len(text) > FRAME_MAX:
        return
    passed = name + b"|" + text
    receiver = callers[to]
    receiver.write(len(passed).to_bytes(4, "big") + passed)
    try:
        await receiver.drain()
    except OSError:
        pass


async def converse(reader, writer):
    name = None
    try:
        said = await hear(reader)
        if not will_do(said):
            return
        name = said
        callers[name] = writer
        while True:
            await pass_on(name, await hear(reader))
    except (asyncio.IncompleteReadError, ConnectionError, ValueError):
        pass
    finally:
        if callers.get(name) is writer:
            del callers[name]
        writer.close()


async def main():
    port = port_from(sys.argv[1:])
    try:
        server = await asyncio.start_server(converse, "127.0.0.1", port, backlog=1024)
    except OSError as error:
        print(f"server: bind: {os.strerror(error.errno)}", file=sys.stderr)
        sys.exit(1)
    async with server:
        await server.serve_forever()


asyncio.run(main())
