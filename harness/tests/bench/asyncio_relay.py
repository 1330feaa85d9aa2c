"""Python's asyncio, doing what lab 14's relay does. Protocols and not streams: of the two they are the quicker."""

import asyncio
import sys

FRAME_MAX = 65536
WAITING_MAX = 1 << 20
callers = {}


class Caller(asyncio.Protocol):
    def __init__(self):
        self.name = None
        self.heard = b""

    def connection_made(self, transport):
        self.transport = transport

    def connection_lost(self, error):
        if callers.get(self.name) is self:
            del callers[self.name]

    def data_received(self, data):
        heard = self.heard + data if self.heard else data
        at = 0
        while len(heard) - at >= 4:
            size = int.from_bytes(heard[at : at + 4], "big")
            if size > FRAME_MAX:
                self.transport.abort()
                return
            if len(heard) - at - 4 < size:
                break
            self.understand(heard[at + 4 : at + 4 + size])
            at += 4 + size
        self.heard = heard[at:]

    def understand(self, frame):
        if self.name is None:
            if not 1 <= len(frame) <= 32 or frame in callers or any(b < 32 or b in (124, 127) for b in frame):
                self.transport.close()
                return
            self.name = frame
            callers[frame] = self
            return
        to, bar, text = frame[4:].partition(b"|")
        receiver = callers.get(to)
        size = len(self.name) + 1 + len(text)
        if receiver is None or not bar or not frame.startswith(b"say ") or size > FRAME_MAX:
            return
        receiver.transport.write(b"".join((size.to_bytes(4, "big"), self.name, b"|", text)))
        if receiver.transport.get_write_buffer_size() > WAITING_MAX:
            receiver.transport.abort()


async def main():
    server = await asyncio.get_running_loop().create_server(Caller, "127.0.0.1", int(sys.argv[1]), backlog=4096)
    await server.serve_forever()


asyncio.run(main())
