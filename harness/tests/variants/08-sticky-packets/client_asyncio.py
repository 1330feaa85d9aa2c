# variant: asyncio, the keyboard read in an executor's thread.
import asyncio
import os
import sys


def die(call, reason):
    print(f"client: {call}: {reason}", file=sys.stderr)
    sys.stderr.flush()
    sys.exit(1)


async def talk(host, port):
    try:
        ear, mouth = await asyncio.open_connection(host, port)
    except OSError as error:
        die("connect", os.strerror(error.errno))

    loop = asyncio.get_running_loop()
    while True:
        print(">>: ", end="", flush=True)
        # In a thread, since asyncio cannot wait for a file.
        line = await loop.run_in_executor(None, sys.stdin.buffer.readline)
        if not line:
            break
        if not line.strip():
            continue
        try:
            mouth.write(line.rstrip(b"\n") + b"\n")
            await mouth.drain()
            reply = await ear.readuntil(b"\n")
        except asyncio.IncompleteReadError:
            die("recv", "server hung up")
        except OSError as error:
            die("recv", error.strerror or "server hung up")
        sys.stdout.buffer.write(reply)
        sys.stdout.flush()
    mouth.close()


args = sys.argv[1:]
host = args[0] if len(args) > 0 else "127.0.0.1"
port = args[1] if len(args) > 1 else "9000"
if len(args) > 2 or not port.isdecimal() or not 1 <= int(port) <= 65535:
    print("usage: client [HOST [PORT]]", file=sys.stderr)
    sys.exit(2)

asyncio.run(talk(host, int(port)))
