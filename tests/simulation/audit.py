"""Lets the oracle that judges real systems judge a simulated one: its topics and its Redis are read from memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from functools import partial
from typing import Any, NamedTuple

import msgspec

from streams.ports import TP
from tests.events_log import Appended
from tests.oracle.judge import Court
from tests.oracle.logs import Read
from tests.oracle.names import Names
from tests.oracle.verdict import Verdict
from tests.simulation.memory_log import MemoryLog
from tests.simulation.world import World, lost_key

COMPACTED = (".internal.erasures", ".internal.verdicts")
"""Topics of which only what compaction leaves can be counted upon."""


class LogTopics:
    """`tests.oracle.logs.Topics` over a `MemoryLog`: the whole log, also what retention took after it was read."""

    def __init__(self, world: World) -> None:
        self._log: MemoryLog = world.log
        self._events = world.events_topic
        self._zombies = any(fault == "zombie" for fault, _ in world.plan.struck)
        self._incarnation = world.redis.hash(f"{world.settings.namespace}:meta").get("incarnation", b"").decode()
        self._lost: dict[TP, list[tuple[int, int]]] = {}
        for partition in range(world.settings.events_partitions):
            noted = world.redis.string(lost_key(world.settings.namespace, partition)) or b"[]"
            tp = TP(world.events_topic, partition)
            # What retention took at the very end will be noted by the next apply, which never comes.
            self._lost[tp] = [*msgspec.json.decode(noted, type=list[tuple[int, int]]), (world.stored(tp), world.log[tp].first)]

    def partitions(self, topic: str) -> int:
        return self._log.counts.get(topic, 0)

    def bounds(self, topic: str, partition: int) -> tuple[int, int]:
        return 0, self._log[TP(topic, partition)].end

    def read(self, topic: str, partition: int) -> Iterator[Read]:
        log = self._log[TP(topic, partition)]
        records = log.compacted() if topic.endswith(COMPACTED) else log.records
        if self._zombies and topic.endswith(".recommendations"):
            # A zombie's late lists follow newer ones: readers keep the larger offset, a null's included.
            records = sorted(records, key=_cause_offset)
        for record in records:
            if not self._is_lost(record):
                yield Read(record.offset, record.timestamp, record.key, record.value, list(record.headers))

    def _is_lost(self, record: Appended) -> bool:
        """Is it, or is it about, an event that an accepted gap left out of the state?

        It may have been handled before a flush; the lists of that time know what today's state does not.
        """
        cause = _cause(record)
        if cause is None:
            return False
        lost = self._lost.get(TP(self._events, cause.partition), ())
        if lost and cause.incarnation not in {"", self._incarnation[:4]}:
            return True
        return any(first <= cause.offset < end for first, end in lost)


class Cause(NamedTuple):
    """The event that a record is or is about; `incarnation` in short, "" where a record does not tell."""

    incarnation: str
    partition: int
    offset: int


def _cause(record: Appended) -> Cause | None:
    headers = dict(record.headers)
    if record.topic.endswith(".events"):
        return Cause("", record.partition, record.offset)
    if record.topic.endswith(".recommendations"):
        incarnation, partition, offset = headers["ce_id"].decode().split("-")
        return Cause(incarnation, int(partition), int(offset))
    if record.topic.endswith(".answers"):
        _, incarnation, partition, offset = headers["ce_id"].decode().split("-")
        return Cause(incarnation, int(partition), int(offset))
    if record.topic.endswith(".internal.erasures") and record.value is not None:
        # It may have been handled and published before Redis went back and retention took it: today's state never saw it.
        return Cause("", *msgspec.json.decode(record.value, type=tuple[str, int, int])[1:])
    if record.topic.endswith(".dead-letters"):
        return Cause("", int(headers["__dlq.errors.partition"]), int(headers["__dlq.errors.offset"]))
    return None


def _cause_offset(record: Appended) -> int:
    cause = _cause(record)
    return -1 if cause is None else cause.offset


class MemoryKeyspace:
    """`tests.oracle.redis_reads.Keyspace` over a `MemoryRedis`."""

    def __init__(self, world: World) -> None:
        self._redis = world.redis

    def hash(self, key: str) -> dict[str, bytes]:
        return dict(self._redis.hash(key))

    def text(self, key: str) -> bytes | None:
        return self._redis.string(key)

    def fields(self, keys: Sequence[str], *names: str) -> Iterator[list[bytes | None]]:
        for key in keys:
            found = self._redis.hash(key)
            yield [found.get(name) for name in names]

    def keys(self, pattern: str) -> Iterator[str]:
        yield from filter(partial(fnmatchcase, pat=pattern), self._redis.keys())


def judge(world: World) -> Verdict:
    """The oracle's verdict on a world that has come to its end."""
    topics: Any = LogTopics(world)
    keyspace: Any = MemoryKeyspace(world)
    names = Names(world.settings.namespace)
    rates = world.settings.lessons_rate, world.settings.listening_rate
    court = Court(topics, keyspace, names, world.settings.id_key, rates, world.rewound, _silent)
    court.sit()
    return court.findings.verdict(court.incarnation, 0.0)


def _silent(_: str) -> None:
    """Nobody listens."""
