"""A models worker in a little world: a store in memory, a group of one, an outbox that keeps what it is given."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from infra.keys import Keys
from infra.memory_store import MemoryRedis, MemoryStore, Moment
from infra.settings import Settings
from online_models.registry import MODELS
from streams.claims import RULES
from streams.contract import Decision
from streams.model_fold import Fold
from streams.model_versions import Version, decode
from streams.models_worker import Models
from streams.observe_models import SilentModels
from streams.ports import TP, Outgoing, Record
from tests.lessons_log import INCARNATION, TOPIC

KEYS = Keys("night")
CURSOR = KEYS.model_cursor("finish")
MANIFEST = KEYS.manifest("finish")
SERVING = KEYS.serving("finish")
META = {"incarnation": INCARNATION.encode(), "events_partitions": b"8", "deltas_partitions": b"8", "rules": RULES.encode()}

TOKENS = itertools.count(0x5E60E00000000001)


FINISH = TP(TOPIC, 0)


class Noon:
    def now_ms(self) -> int:
        return 1_700_000_000_000


class Letters:
    """An outbox that keeps what it was given; `hook` runs before each publication."""

    def __init__(self, hook: Callable[[], None] = lambda: None) -> None:
        self.sent: list[Outgoing] = []
        self.open = asyncio.Event()
        self.open.set()
        self._hook = hook

    async def publish(self, records: Sequence[Outgoing]) -> None:
        self._hook()
        await self.open.wait()
        self.sent += records

    def decisions(self) -> list[Decision]:
        return [msgspec.json.decode(record.value or b"", type=Decision) for record in self.sent]


class Told(SilentModels):
    """Keeps what the worker tells."""

    def __init__(self) -> None:
        self.taught = self.refused = self.fences = self.serves = self.drifts = 0
        self.rebuilds: list[str] = []
        self.versions: list[int] = []

    def claimed(self, model: str, refused: str) -> None:
        self.rebuilds += [refused] if refused else []

    def saved(self, model: str, version: int, taught: int, refused: int, scores: Mapping[str, float | str]) -> None:
        self.versions.append(version)
        self.taught += taught
        self.refused += refused

    def served(self, model: str, version: int) -> None:
        self.serves = version

    def drifted(self, model: str, n: int) -> None:
        self.drifts += n

    def fenced(self, model: str) -> None:
        self.fences += 1


def told(models: Models) -> Told:
    assert isinstance(models._observe, Told)
    return models._observe


def rebuilds(models: Models) -> list[str]:
    """Why snapshots were refused."""
    return told(models).rebuilds


class Crash(BaseException):
    """The process ends here."""


class Kafka:
    """The transport as the worker sees it: bounds, membership, and where it was placed."""

    def __init__(self, first: int = 0, end: int = 100_000) -> None:
        self.first, self.end = first, end
        self.placed: list[int] = []
        self.confirmed = 0
        self.told: dict[TP, int] = {}

    async def bounds(self, tps: Collection[TP]) -> dict[TP, tuple[int, int]]:
        return {tp: (self.first, self.end) for tp in tps}

    async def confirmed_member(self) -> None:
        self.confirmed += 1

    async def reposition(self, tp: TP, offset: int) -> bool:
        self.placed.append(offset)
        return True

    async def read_one(self, tp: TP, offset: int) -> Record:
        raise AssertionError("nothing is read again")

    async def read_all(self, topic: str) -> list[bytes | None]:
        raise AssertionError("verdicts and erasures are no business of models")

    async def publish_positions(self, positions: Mapping[TP, int]) -> None:
        self.told = dict(positions)


def worker(
    redis: MemoryRedis,
    hook: Callable[[Moment], None] | None = None,
    kafka: Kafka | None = None,
    accept_gap: bool = False,
    on_crash: Callable[[BaseException], None] | None = None,
    model_key: str = "",
    outbox: Letters | None = None,
) -> Models:
    store = MemoryStore(redis, namespace="night", hook=hook)
    settings = Settings(namespace="night", accept_gap=accept_gap, model_key=model_key)
    outbox = outbox or Letters()
    models = Models(settings, store, outbox, Noon(), fresh_token=lambda: f"{next(TOKENS):016x}", observe=Told(), on_crash=on_crash)
    models.attach(Kafka() if kafka is None else kafka)
    return models


def founded() -> MemoryRedis:
    redis = MemoryRedis()
    redis.write({KEYS.meta(): META})
    return redis


async def read(models: Models, log: Sequence[Record], start: int, chunk: int) -> None:
    rest = [record for record in log if record.offset >= start]
    for at in range(0, len(rest), chunk):
        await models.receive(TOPIC, {0: rest[at : at + chunk]})


def straight(log: Sequence[Record]) -> Fold:
    fold = Fold(MODELS[0], INCARNATION)
    for record in log:
        for _ in fold.record(record.offset, record.value, record.timestamp):
            pass
    return fold


def stored_parts(redis: MemoryRedis) -> list[str]:
    """Keys of the newest version's parts."""
    start = KEYS.part("finish", int(redis.hash(CURSOR)["version"]), 0)[:-1]
    return [key for key in redis.snapshot().values if key.startswith(start)]


def versions(redis: MemoryRedis) -> tuple[Version, ...]:
    return decode(redis.string(KEYS.versions("finish")))


def assert_tidy(redis: MemoryRedis) -> None:
    """What stands of versions is what the list says, and the newest is the last."""
    found = versions(redis)
    stay = {KEYS.part("finish", v.version, n) for v in found for n in range(v.pieces)} | {
        KEYS.serving_of("finish", v.version) for v in found
    }
    assert {key for key in redis.snapshot().values if ":part:" in key or ":serving:" in key} == stay
    assert found[-1].version == int(redis.hash(CURSOR)["version"]) == int(redis.hash(MANIFEST)["version"])
    assert len(found) <= 6


async def kept_fold(redis: MemoryRedis) -> Fold:
    """The fold as a next owner finds it in the store."""
    models = worker(redis)
    await models.claim({FINISH})
    return models.held[FINISH].fold


def assert_same(fold: Fold, expected: Fold) -> None:
    assert fold.watermarks == expected.watermarks
    assert fold.counts.applied == expected.counts.applied
    assert fold.model.snapshot() == expected.model.snapshot()
