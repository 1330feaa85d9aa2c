# variant: asyncio: the call is a coroutine.
import asyncio
import os
import sys


def port_from(arguments):
    try:
        port = int(arguments[0]) if arguments else 9000
    except ValueError:
        port = 0
    if len(arguments) > 1 or not 1 <= port <= 65535:
        print("usage: server [PORT]", file=sys.stderr)
        sys.exit(2)
    return port


def print_message(heard):
    sys.stdout.buffer.write(heard + b"\n")
    sys.stdout.buffer.flush()


async def main():
    port = port_from(sys.argv[1:])
    over = asyncio.get_running_loop().create_future()

    async def converse(reader, writer):
        print(f"call from {writer.get_extra_info('peername')[0]}", flush=True)
        while heard := await reader.read(1024):
            print_message(heard)
            writer.write(heard.upper())
            await writer.drain()
        writer.close()
        over.set_result(None)

    try:
        server = await asyncio.start_server(converse, "127.0.0.1", port)
    except OSError as error:
        print(f"server: bind: {os.strerror(error.errno)}", file=sys.stderr)
        sys.exit(1)
    await over
    server.close()


asyncio.run(main())
