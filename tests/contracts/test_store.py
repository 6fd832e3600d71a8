"""Each store keeps the contract: the one in memory, a Redis, a Redis Cluster."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster

from infra.fenced import StoreBroken
from infra.memory_store import MemoryRedis, MemoryStore
from infra.store import RedisStore
from tests.contracts.cluster_process import LocalCluster
from tests.contracts.raw_redis import RawMemory, RawRedis
from tests.contracts.store_contract import NS, StoreContract, key

pytestmark = pytest.mark.timeout(30)


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def redis(self) -> MemoryRedis:
        return MemoryRedis()

    @pytest.fixture
    def store(self, redis: MemoryRedis) -> MemoryStore:
        return MemoryStore(redis, namespace=NS)

    @pytest.fixture
    def other(self, redis: MemoryRedis) -> MemoryStore:
        return MemoryStore(redis, namespace=NS)

    @pytest.fixture
    def raw(self, redis: MemoryRedis) -> RawMemory:
        return RawMemory(redis)


class TestRedisStore(StoreContract):
    @pytest.fixture
    async def raw(self, redis_url: str) -> AsyncIterator[RawRedis]:
        async with Redis.from_url(redis_url) as client:
            raw = RawRedis(client)
            await raw.clear()
            yield raw
            await raw.clear()

    @pytest.fixture
    async def store(self, redis_url: str, raw: RawRedis) -> AsyncIterator[RedisStore]:
        store = RedisStore(redis_url, namespace=NS)
        yield store
        await store.close()

    @pytest.fixture
    async def other(self, redis_url: str) -> AsyncIterator[RedisStore]:
        store = RedisStore(redis_url, namespace=NS)
        yield store
        await store.close()


class TestRedisClusterStore(StoreContract):
    @pytest.fixture
    async def store(self, clean_cluster: LocalCluster) -> AsyncIterator[RedisStore]:
        store = RedisStore(clean_cluster.url, namespace=NS)
        yield store
        await store.close()

    @pytest.fixture
    async def other(self, clean_cluster: LocalCluster) -> AsyncIterator[RedisStore]:
        store = RedisStore(clean_cluster.url, namespace=NS)
        yield store
        await store.close()

    @pytest.fixture
    async def raw(self, clean_cluster: LocalCluster) -> AsyncIterator[RawRedis]:
        async with RedisCluster(host="127.0.0.1", port=clean_cluster.ports[0]) as client:
            yield RawRedis(client)

    async def test_keys_of_two_slots_in_one_call_are_our_bug(self, store: RedisStore) -> None:
        with pytest.raises(StoreBroken, match="slot"):
            await store.claim(key("u1", "cursor"), key("u2", "pending"), "x")
