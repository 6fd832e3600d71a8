"""A TCP proxy between a store and its Redis: swallows replies, or requests, and cuts connections."""

from __future__ import annotations

import asyncio
from types import TracebackType

READ_BYTES = 1 << 16


class FaultyProxy:
    """An async context manager that listens on `port` and forwards to `to_port`.

    `swallow_reply()` lets the next request through and cuts the connection when its reply comes: the server has
    done the work, the client does not know.
    """

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self._server: asyncio.Server | None = None
        self._swallow = False
        self._pipes: set[asyncio.Task[None]] = set()
        self.swallowed = 0

    @property
    def url(self) -> str:
        assert self._server is not None, "entered first"
        return f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/0"

    def swallow_reply(self) -> None:
        self._swallow = True

    async def __aenter__(self) -> FaultyProxy:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._server is not None, "entered first"
        self._server.close()
        for pipe in self._pipes:
            pipe.cancel()
        await asyncio.gather(*self._pipes, return_exceptions=True)

    async def _serve(self, client_in: asyncio.StreamReader, client_out: asyncio.StreamWriter) -> None:
        server_in, server_out = await asyncio.open_connection("127.0.0.1", self._to_port)
        both = {asyncio.create_task(_forward(client_in, server_out)), asyncio.create_task(self._replies(server_in, client_out))}
        self._pipes |= both
        _, open_ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for other in open_:
            other.cancel()
        client_out.close()
        server_out.close()
        self._pipes -= both

    async def _replies(self, server_in: asyncio.StreamReader, client_out: asyncio.StreamWriter) -> None:
        while data := await server_in.read(READ_BYTES):
            if self._swallow:
                self._swallow = False
                self.swallowed += 1
                return
            client_out.write(data)
            await client_out.drain()


async def _forward(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(READ_BYTES):
        sink.write(data)
        await sink.drain()
