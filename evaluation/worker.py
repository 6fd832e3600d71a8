"""The real plays worker in this process, over a store and an outbox in memory: a log goes in, lists come out.

Nothing of the pipeline is copied. What stands in for Kafka is here: records with offsets, a group of one, and deltas that
come back to the tracks' side when they are `delay` plays old.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Final

import msgspec

from infra.memory_store import MemoryStore
from infra.settings import Settings
from online_models.arrays import I64
from streams.alone import Alone
from streams.memory_outbox import MemoryOutbox
from streams.observe import Observer
from streams.partitioner import partition_of
from streams.plays import Plays
from streams.ports import TP, Outgoing, Record

NOW_MS: Final = 1_764_582_000_000
"""The made-up clock's start; every play of a log lies before it."""
PLAYS_PER_S: Final = 15_000
"""How fast the made-up clock lets plays pass: what happens twice a second happens as often as under load."""


class Sent(msgspec.Struct):
    """A play on the log."""

    row: int
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    topic: str = ""
    timestamp: int = NOW_MS
    headers: Sequence[tuple[str, bytes]] = ()


class Worker(Alone):
    """Owner of every partition.

    Parameters
    ----------
    delay: the tables that lists are made with lack at least so many of the plays before (0 = what the round itself brings).
    served: what other workers wrote, by key.
    """

    def __init__(self, settings: Settings, observe: Observer, delay: int = 0, served: Mapping[str, bytes] | None = None) -> None:
        self._settings, self._delay = settings, delay
        self._outbox, self._at_ms = MemoryOutbox(), float(NOW_MS)
        tokens = count(1)
        store = MemoryStore(namespace=settings.namespace)
        store.redis.write(dict(served or {}))
        self._worker = Plays(settings, store, self._outbox, self, fresh_token=lambda: f"{next(tokens):016x}", observe=observe)
        self._worker.attach(self)
        self._next: defaultdict[int, int] = defaultdict(int)
        self._waiting: deque[tuple[int, dict[int, list[Record]]]] = deque()
        self._handled = 0

    async def open(self) -> None:
        """Claim everything."""
        w, s = self._worker, self._settings
        users = [TP(w.events_topic, p) for p in range(s.events_partitions)]
        await w.claim(users + [TP(w.deltas_topic, q) for q in range(s.deltas_partitions)])

    async def close(self) -> None:
        """Stop its tasks."""
        await self._worker.close()

    async def play(self, events: Sequence[tuple[int, bytes, bytes]], *, tables_learn: bool) -> list[Outgoing]:
        """One round of (row, user, event); then what is old enough comes back to the tracks' side. Returns the published lists."""
        chunks: defaultdict[int, list[Record]] = defaultdict(list)
        for row, user, value in events:
            p = partition_of(user, self._settings.events_partitions)
            chunks[p].append(Sent(row, p, self._next[p], user, value))
            self._next[p] += 1
        self._worker.pipeline.ranker_learns = tables_learn
        await self._worker.receive(self._worker.events_topic, dict(chunks))
        await self._worker.quiet()
        self._handled += len(events)
        self._at_ms += 1_000 * len(events) / PLAYS_PER_S
        lists = self._lists()
        deltas = self._take_deltas()
        if tables_learn:
            self._waiting.append((self._handled, deltas))
            await self._bring_back()
        return lists

    def _lists(self) -> list[Outgoing]:
        topic = f"{self._settings.namespace}.recommendations"
        return [out for (name, _), published in self._outbox.log.items() if name == topic for out in published]

    def popular(self) -> I64:
        """Hashes of what was most popular when the round in hand began, best first."""
        return self._worker.pipeline.popular

    async def _bring_back(self) -> None:
        while self._waiting and self._handled - self._waiting[0][0] >= self._delay:
            _, chunks = self._waiting.popleft()
            await self._worker.receive(self._worker.deltas_topic, chunks)
            await self._worker.quiet()

    def _take_deltas(self) -> dict[int, list[Record]]:
        """What was sent to the tracks' side since the last call; lists and lessons are dropped."""
        topic, log = self._worker.deltas_topic, self._outbox.log
        chunks: dict[int, list[Record]] = {}
        for q in range(self._settings.deltas_partitions):
            for out in log.get((topic, q), ()):
                chunks.setdefault(q, []).append(Sent(-1, q, self._next[-1 - q], None, out.value, topic))
                self._next[-1 - q] += 1
        log.clear()
        return chunks

    # --- what the worker sees ---

    def now_ms(self) -> int:
        return int(self._at_ms)
