# variant: Python's asyncio
import asyncio
import os
import sys


async def phone(host, port, message):
    try:
        ear, mouth = await asyncio.open_connection(host, port)
    except OSError as error:
        print(f"client: connect: {os.strerror(error.errno)}", file=sys.stderr)
        return 1
    mouth.write(message)
    await mouth.drain()
    reply = await ear.read(1024)
    sys.stdout.buffer.write(reply + b"\n")
    mouth.close()
    await mouth.wait_closed()
    return 0


args = sys.argv[1:]
host = args[0] if len(args) > 0 else "127.0.0.1"
port = args[1] if len(args) > 1 else "9000"
message = args[2] if len(args) > 2 else "hello"
if len(args) > 3 or not port.isdecimal() or not 1 <= int(port) <= 65535:
    print("usage: client [HOST [PORT [MESSAGE]]]", file=sys.stderr)
    sys.exit(2)

sys.exit(asyncio.run(phone(host, int(port), os.fsencode(message))))
