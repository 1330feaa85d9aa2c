# variant: asyncio: readuntil() with a limit.
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
        while True:
            line = await reader.readuntil(b"\n")
            if len(line) > 4097:
                break
            print_message(line[:-1])
            writer.write(line.upper())
            await writer.drain()
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        pass  # an unfinished line, or none; or one that is too long
    except ConnectionError as error:
        print(f"server: {error}", file=sys.stderr)
    finally:
        writer.close()


async def main():
    port = port_from(sys.argv[1:])
    try:
        server = await asyncio.start_server(converse, "127.0.0.1", port, limit=4096)
    except OSError as error:
        print(f"server: bind: {os.strerror(error.errno)}", file=sys.stderr)
        sys.exit(1)
    async with server:
        await server.serve_forever()


asyncio.run(main())
