"""The same exchange with a Redis Cluster: one command each, concurrently.

redis-py's cluster client refuses EVALSHA in pipelines, so each command goes out alone to the node that owns
its keys. The client follows MOVED and ASK by itself; everything else comes back as it does from one Redis.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from redis.asyncio.cluster import RedisCluster
from redis.exceptions import RedisClusterException, RedisError

from infra.redis_link import Args, Reply, never_again

SCHEME = "redis+cluster://"
TLS_SCHEME = "rediss+cluster://"


def is_cluster(url: str) -> bool:
    """True if `url` asks for a Redis Cluster.

    >>> is_cluster("redis+cluster://localhost:7000"), is_cluster("redis://localhost")
    (True, False)
    """
    return url.startswith((SCHEME, TLS_SCHEME))


class ClusterLink:
    """A Redis Cluster, found through any one of its nodes.

    Parameters
    ----------
    url : `redis+cluster://host:port` or `rediss+cluster://host:port`
    timeout_s : for one command, finding its node included
    """

    def __init__(self, url: str, *, timeout_s: float, client_name: str) -> None:
        self._url = url.replace("+cluster://", "://", 1)
        self._timeout_s = timeout_s
        self._client_name = client_name
        self._client: RedisCluster | None = None

    async def exchange(self, commands: Sequence[Args]) -> list[Reply]:
        return list(await asyncio.gather(*(self._one(command) for command in commands)))

    async def _one(self, args: Args) -> Reply:
        try:
            async with asyncio.timeout(self._timeout_s):
                name, *rest = args
                reply: Any = await self._connected().execute_command(name.decode(), *rest)
        except (TimeoutError, RedisError, RedisClusterException, OSError) as error:
            return error
        answer: Reply = reply
        return answer

    def _connected(self) -> RedisCluster:
        """The client, made on first use: it binds itself to the running loop."""
        if self._client is None:
            self._client = RedisCluster.from_url(
                self._url,
                protocol=2,
                retry=never_again(),
                socket_timeout=self._timeout_s,
                socket_connect_timeout=self._timeout_s,
                client_name=self._client_name,
            )
        return self._client

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()
