"""A webhook receiver that answers every POST at once; a GET tells how many came, and within how many seconds."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)


class Receiver(asyncio.Protocol):
    """One connection."""

    count = 0
    first = last = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        self._data = b""

    def data_received(self, data: bytes) -> None:
        self._data += data
        while (end := self._data.find(b"\r\n\r\n") + 4) > 3:
            length = _LENGTH.search(self._data, 0, end)
            whole = end + (int(length[1]) if length else 0)
            if len(self._data) < whole:
                return
            posted = self._data.startswith(b"POST")
            self._data = self._data[whole:]
            self._answer(self._seen() if posted else self._report())

    def _seen(self) -> bytes:
        Receiver.last = time.monotonic()
        if not Receiver.count:
            Receiver.first = Receiver.last
        Receiver.count += 1
        return b"ok"

    def _report(self) -> bytes:
        return json.dumps({"count": Receiver.count, "seconds": Receiver.last - Receiver.first}).encode()

    def _answer(self, body: bytes) -> None:
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


async def main(port: int) -> None:
    """Serve for ever."""
    server = await asyncio.get_running_loop().create_server(Receiver, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
