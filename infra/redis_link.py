"""One exchange with one Redis: a batch of commands out, a reply or an error for each back.

Built on redis-py's connections and not on its pipelines, which cost 8 us of objects per command. Nothing
is retried here: who sends a command again must know that it bears it, and only the store above does.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Protocol

from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from infra.resp import pieces

Reply = int | bytes | list["Reply"] | None | Exception
Args = Sequence[bytes]

IDLE_CONNECTIONS_MAX = 4
"""A worker has at most a read, an apply and a check of its cursors under way at once."""


class Link(Protocol):
    """What a store needs of a client; replies stand in the order of the commands."""

    async def exchange(self, commands: Sequence[Args]) -> list[Reply]:
        """Send all, read all. An error, a timeout or a lost connection is a reply like any other."""
        ...

    async def close(self) -> None: ...


def never_again() -> Retry:
    """redis-py's default repeats a command whose reply was lost, so an INCR counts twice: switched off, by name."""
    return Retry(NoBackoff(), 0)


class NodeLink:
    """A few connections to one Redis, made when needed and thrown away at the first doubt.

    Parameters
    ----------
    url : `redis://`, `rediss://` or `unix://`
    timeout_s : for one whole exchange, the connecting included
    """

    def __init__(self, url: str, *, timeout_s: float, client_name: str) -> None:
        # Only the factory is used: the pool's own check-out costs more than a round trip's work.
        self._pool = ConnectionPool.from_url(
            url,
            protocol=2,
            retry=never_again(),
            socket_timeout=None,
            socket_connect_timeout=timeout_s,
            client_name=client_name,
            driver_info=None,
        )
        self._timeout_s = timeout_s
        self._idle: list[AbstractConnection] = []

    async def exchange(self, commands: Sequence[Args]) -> list[Reply]:
        replies: list[Reply] = []
        connection = self._idle.pop() if self._idle else self._pool.make_connection()  # type: ignore[no-untyped-call]
        try:
            async with asyncio.timeout(self._timeout_s):
                for piece in pieces(commands):
                    await connection.send_packed_command([piece], check_health=False)
                for _ in commands:
                    replies.append(await _reply(connection))
        except (TimeoutError, RedisError, OSError) as lost:
            await connection.disconnect(nowait=True)
            replies += [lost] * (len(commands) - len(replies))
        except BaseException:
            # Cancelled between command and reply: the next user of this connection would read our replies.
            await connection.disconnect(nowait=True)
            raise
        else:
            await self._keep(connection)
        return replies

    async def _keep(self, connection: AbstractConnection) -> None:
        if len(self._idle) < IDLE_CONNECTIONS_MAX:
            self._idle.append(connection)
        else:
            await connection.disconnect(nowait=True)

    async def close(self) -> None:
        """Close the connections; the link may be used again and then opens new ones."""
        idle, self._idle = self._idle, []
        for connection in idle:
            await connection.disconnect(nowait=True)


async def _reply(connection: AbstractConnection) -> Reply:
    try:
        # `inf` = no timer per reply: the exchange has one around it.
        reply: Reply = await connection.read_response(disable_decoding=True, timeout=math.inf)
    except ResponseError as error:
        return error
    return reply
