"""A look past the store: at the memory of one, at the server of the other."""

from __future__ import annotations

from typing import Any

from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster

from infra.memory_store import MemoryRedis
from tests.contracts.store_contract import NS


class RawMemory:
    """`Raw` over a `MemoryRedis`."""

    def __init__(self, redis: MemoryRedis) -> None:
        self._redis = redis

    async def hash(self, key: str) -> dict[str, bytes]:
        return dict(self._redis.hash(key))

    async def string(self, key: str) -> bytes | None:
        return self._redis.string(key)

    async def put_string(self, key: str, value: bytes) -> None:
        self._redis.write({key: value})

    async def put_hash(self, key: str, fields: dict[str, bytes]) -> None:
        self._redis.write({key: fields})

    async def keys(self) -> list[str]:
        return self._redis.keys()


class RawRedis:
    """`Raw` over a server or a cluster; only keys of the test's own namespace are seen."""

    def __init__(self, client: Redis | RedisCluster) -> None:
        # redis-py types every reply as "bytes or str": Any says that these tests know better.
        self._client: Any = client

    async def hash(self, key: str) -> dict[str, bytes]:
        fields = await self._client.hgetall(key)
        return {name.decode(): value for name, value in fields.items()}

    async def string(self, key: str) -> bytes | None:
        value: bytes | None = await self._client.get(key)
        return value

    async def put_string(self, key: str, value: bytes) -> None:
        await self._client.set(key, value)

    async def put_hash(self, key: str, fields: dict[str, bytes]) -> None:
        await self._client.delete(key)
        await self._client.hset(key, mapping=fields)

    async def keys(self) -> list[str]:
        return sorted([key.decode() async for key in self._client.scan_iter(f"{NS}:*", count=1000)])

    async def clear(self) -> None:
        """Remove what the test before left."""
        for key in await self.keys():
            await self._client.delete(key)
