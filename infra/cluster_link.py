"""The same exchange with a Redis Cluster: each command goes to the node that owns its keys, node by node in parallel.

redis-py's cluster client refuses EVALSHA in pipelines, and after one lost connection it closes those that other calls
are still using (seen: `'NoneType' object has no attribute 'writelines'`). So only its slot arithmetic is used: a map from slot
to node, one `NodeLink` per node, and a fresh map after anything that may mean the old one is wrong. A slot that is
being moved right now (ASK, TRYAGAIN) is waited for, like a node that is away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from urllib.parse import urlsplit, urlunsplit

from redis.crc import key_slot
from redis.exceptions import AskError, ClusterError, ConnectionError, RedisError

from infra.redis_link import Args, NodeLink, Reply

SCHEMES = ("redis+cluster://", "rediss+cluster://")
SLOTS = 16_384


def is_cluster(url: str) -> bool:
    """True if `url` asks for a Redis Cluster.

    >>> is_cluster("redis+cluster://localhost:7000"), is_cluster("redis://localhost")
    (True, False)
    """
    return url.startswith(SCHEMES)


def routing_key(command: Args) -> bytes:
    """The key that decides a command's slot; all keys of one call share it by their hash tag.

    >>> routing_key([b"EVALSHA", b"sha", b"1", b"a{b}"]), routing_key([b"GET", b"a"])
    (b'a{b}', b'a')
    """
    return command[3 if command[0].startswith(b"EVAL") else 1]


class ClusterLink:
    """A Redis Cluster, found through any one of its nodes.

    Parameters
    ----------
    url : `redis+cluster://[user:password@]host:port`, or `rediss+cluster://` with TLS
    timeout_s : for one exchange with one node
    """

    def __init__(self, url: str, *, timeout_s: float, client_name: str) -> None:
        self._seed = urlsplit(url.replace("+cluster://", "://", 1))
        self._timeout_s = timeout_s
        self._client_name = client_name
        self._nodes: dict[tuple[str, int], NodeLink] = {}
        self._owners: list[NodeLink | None] = []
        self._learning = asyncio.Lock()

    async def exchange(self, commands: Sequence[Args]) -> list[Reply]:
        if not self._owners:
            await self._learn()
        replies: list[Reply] = [ClusterError("no node is known to own this slot")] * len(commands)
        by_node: dict[NodeLink, list[int]] = {}
        for i, command in enumerate(commands):
            owner = self._owners[key_slot(routing_key(command), SLOTS)] if self._owners else None
            if owner is not None:
                by_node.setdefault(owner, []).append(i)
        exchanges = [node.exchange([commands[i] for i in places]) for node, places in by_node.items()]
        for places, answers in zip(by_node.values(), await asyncio.gather(*exchanges), strict=True):
            for i, answer in zip(places, answers, strict=True):
                replies[i] = answer
        if any(_map_in_doubt(reply) for reply in replies):
            self._owners = []
        return replies

    async def _learn(self) -> None:
        """Ask the seed, then every node known, until one tells the map; without an answer it stays unknown."""
        async with self._learning:
            if self._owners:
                return
            seed = self._node(self._seed.hostname or "localhost", self._seed.port or 6379)
            for node in dict.fromkeys([seed, *self._nodes.values()]):
                (reply,) = await node.exchange([[b"CLUSTER", b"SLOTS"]])
                if isinstance(reply, list) and reply:
                    self._owners = self._map(reply)
                    return

    def _map(self, ranges: list[Reply]) -> list[NodeLink | None]:
        owners: list[NodeLink | None] = [None] * SLOTS
        for entry in ranges:
            assert isinstance(entry, list), entry
            first, last, primary = entry[:3]
            assert isinstance(first, int) and isinstance(last, int) and isinstance(primary, list), entry
            host, port = primary[:2]
            assert isinstance(port, int), entry
            # An empty host means "where you asked".
            name = host.decode() if isinstance(host, bytes) and host else self._seed.hostname or "localhost"
            owners[first : last + 1] = [self._node(name, port)] * (last + 1 - first)
        return owners

    def _node(self, host: str, port: int) -> NodeLink:
        node = self._nodes.get((host, port))
        if node is None:
            login, _, _ = self._seed.netloc.rpartition("@")
            place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
            url = urlunsplit(self._seed._replace(netloc=f"{login}@{place}" if login else place))
            node = self._nodes[host, port] = NodeLink(url, timeout_s=self._timeout_s, client_name=self._client_name)
        return node

    async def close(self) -> None:
        """Close the connections of every node."""
        for node in self._nodes.values():
            await node.close()


def _map_in_doubt(reply: Reply) -> bool:
    """MOVED says so; a lost or silent node may have been replaced; CLUSTERDOWN comes before a new map."""
    if not isinstance(reply, Exception):
        return False
    return isinstance(reply, AskError | ClusterError | ConnectionError | OSError) or not isinstance(reply, RedisError)
