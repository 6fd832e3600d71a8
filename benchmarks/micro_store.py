"""Cost of one row in a fenced apply, at the client and at Redis: `python -m benchmarks.micro_store [redis-url]`.

A row is three fields of 200 B, 5 KB and 1 KB. The ways to pack it are interleaved in every round, with the same
rows; client time is the CPU of this process, server time that of Redis (INFO cpu). Without an address it starts a
Redis of its own, without persistence.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from random import Random
from typing import Any, Final

import hiredis
import msgspec
from redis.asyncio import Redis

from infra import redis_link
from infra.fenced import Applied, FencedCall, Row
from infra.redis_process import LocalRedis
from infra.resp import pieces
from infra.store import RedisStore

ROWS_N: Final = (1_000, 125, 10)
"""Rows in one call: a full round of one partition, one of eight partitions, a quiet second."""
ROWS_PER_ROUND_N: Final = 4_000
ROUNDS_N: Final = 7
SIZES: Final = (200, 5_000, 1_000)
USERS_N: Final = 20_000
CURSOR: Final = "bench:{u0}:cursor"
PENDING: Final = "bench:{u0}:pending"

Commands = Sequence[Sequence[bytes]]


def with_hiredis(commands: Commands) -> list[bytes]:
    """What redis-py would send: hiredis formats each command, which copies the values three times."""
    pack_command: Any = hiredis.pack_command
    return [b"".join(pack_command(tuple(command)) for command in commands)]


PACKERS: Final[dict[str, Callable[[Commands], Iterable[bytes]]]] = {"joined pieces": pieces, "hiredis": with_hiredis}


def rows_of(rng: Random, n: int) -> list[Row]:
    return [(f"bench:{{u0}}:user:user-{rng.randrange(USERS_N):06d}", *(rng.randbytes(size) for size in SIZES)) for _ in range(n)]


async def server_us(client: Any) -> float:
    """CPU that Redis has used since it started, microseconds."""
    cpu = await client.info("cpu")
    return 1e6 * float(cpu["used_cpu_user_main_thread"] + cpu["used_cpu_sys_main_thread"])


class Bench:
    """One connection, one cursor; every call moves it by one."""

    def __init__(self, url: str) -> None:
        self._store = RedisStore(url, namespace="bench")
        self._client: Any = Redis.from_url(url)
        self._next = 0
        self._rng = Random(1)

    async def run(self) -> dict[str, object]:
        await self._client.delete(CURSOR)
        assert await self._store.start_cursor(CURSOR, {"token": "t", "next": 0, "incarnation": "i"})
        result: dict[str, object] = {f"{n}_rows_per_call": await self._sizes(n) for n in ROWS_N}
        result["read"] = await self._reads()
        await self._store.close()
        await self._client.aclose()
        return result

    async def _sizes(self, n: int) -> dict[str, object]:
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in PACKERS}
        for round_n in range(ROUNDS_N):
            calls = [rows_of(self._rng, n) for _ in range(max(1, ROWS_PER_ROUND_N // n))]
            for name, packer in PACKERS.items():
                vars(redis_link)["pieces"] = packer
                cost = await self._apply(calls)
                if round_n:
                    taken[name].append(cost)
        vars(redis_link)["pieces"] = pieces
        return {name: _told(costs) for name, costs in taken.items()}

    async def _apply(self, calls: list[list[Row]]) -> tuple[float, float]:
        """(client, server) microseconds per row."""
        n_rows = sum(map(len, calls))
        server, client = await server_us(self._client), time.process_time()
        for rows in calls:
            assert await self._store.apply([self._call(rows)]) == [Applied()]
        client = time.process_time() - client
        return 1e6 * client / n_rows, (await server_us(self._client) - server) / n_rows

    def _call(self, rows: list[Row]) -> FencedCall:
        self._next += 1
        return FencedCall(CURSOR, PENDING, "t", "i", self._next - 1, self._next, {"applied": 1}, b"x", ("about", "list", "row"), rows)

    async def _reads(self) -> dict[str, object]:
        """Rows read by the script, and by one HGET each in a pipeline."""
        taken: dict[str, list[tuple[float, float]]] = {"script": [], "pipelined HGET": []}
        for _ in range(ROUNDS_N):
            keys = [str(row[0]) for row in rows_of(self._rng, 1_000)]
            for name, read in (("script", self._by_script), ("pipelined HGET", self._by_pipeline)):
                server, client = await server_us(self._client), time.process_time()
                assert len(await read(keys)) == len(keys)
                client = time.process_time() - client
                taken[name].append((1e6 * client / len(keys), (await server_us(self._client) - server) / len(keys)))
        return {name: _told(costs[1:]) for name, costs in taken.items()}

    async def _by_script(self, keys: list[str]) -> Sequence[object]:
        return await self._store.read([(key, "row") for key in keys])

    async def _by_pipeline(self, keys: list[str]) -> Sequence[object]:
        pipeline = self._client.pipeline(transaction=False)
        for key in keys:
            pipeline.hget(key, "row")
        answers: Sequence[object] = await pipeline.execute()
        return answers


def _told(costs: list[tuple[float, float]]) -> dict[str, float]:
    client, server = [c for c, _ in costs], [s for _, s in costs]
    return {
        "client_us_min": round(min(client), 2),
        "client_us_median": round(statistics.median(client), 2),
        "server_us_median": round(statistics.median(server), 2),
    }


def main() -> None:
    """Print one JSON object."""
    if len(sys.argv) > 1:
        result = asyncio.run(Bench(sys.argv[1]).run())
    else:
        with tempfile.TemporaryDirectory() as folder, LocalRedis(Path(folder)) as server, server.client() as client:
            client.config_set("appendonly", "no")
            result = asyncio.run(Bench(server.url).run())
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n")


if __name__ == "__main__":
    main()
