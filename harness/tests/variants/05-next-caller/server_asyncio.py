# variant: asyncio: every call is a coroutine.
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


async def converse(reader, writer):
    try:
        while heard := await reader.read(1024):
            print_message(heard)
            writer.write(heard.upper())
            await writer.drain()
    except ConnectionError as error:
        print(f"server: {error}", file=sys.stderr)
    finally:
        writer.close()


async def main():
    port = port_from(sys.argv[1:])
    try:
        server = await asyncio.start_server(converse, "127.0.0.1", port)
    except OSError as error:
        print(f"server: bind: {os.strerror(error.errno)}", file=sys.stderr)
        sys.exit(1)
    async with server:
        await server.serve_forever()


asyncio.run(main())
