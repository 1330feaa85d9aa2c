# variant: asyncio, the keyboard read by a thread of its own; what comes is printed above the prompt
import asyncio
import os
import sys


def die(call, reason):
    print(f"client: {call}: {reason}", file=sys.stderr, flush=True)
    os._exit(1)


async def listen(reader):
    try:
        while True:
            size = int.from_bytes(await reader.readexactly(4), "big")
            if size > 65536:
                die("recv", "a frame is too long")
            sender, _, text = (await reader.readexactly(size)).partition(b"|")
            sys.stdout.buffer.write(b"\n" + sender + b": " + text + b"\n>>: ")
            sys.stdout.flush()
    except asyncio.IncompleteReadError:
        die("recv", "server hung up")
    except OSError as error:
        die("recv", os.strerror(error.errno))


async def talk(host, port, name):
    try:
        reader, writer = await asyncio.open_connection(host, port)
    except OSError as error:
        die("connect", os.strerror(error.errno))

    def send(frame):
        writer.write(len(frame).to_bytes(4, "big") + frame)

    send(os.fsencode(name))
    listener = asyncio.create_task(listen(reader))
    loop = asyncio.get_running_loop()
    while True:
        print(">>: ", end="", flush=True)
        line = await loop.run_in_executor(None, sys.stdin.buffer.readline)
        if not line:
            break
        send(b"say " + line.rstrip(b"\n"))
        await writer.drain()
    listener.cancel()
    writer.close()
    await writer.wait_closed()


args = sys.argv[1:]
if len(args) != 3 or not args[1].isdecimal() or not 1 <= int(args[1]) <= 65535:
    print("usage: client HOST PORT NAME", file=sys.stderr)
    sys.exit(2)
asyncio.run(talk(args[0], int(args[1]), args[2]))
