"""Compile every kernel before the group is joined: a worker that compiles inside a round holds everybody up.

`python -m streams.warm_up` compiles them all, for whoever comes next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from importlib import import_module

import msgspec

from infra.memory_store import MemoryStore
from infra.settings import Settings
from streams.alone import Alone
from streams.partitioner import partition_of
from streams.plays import Plays
from streams.ports import TP, Outgoing, Record

_AT_MS = 1_764_582_000_000
_DAY_MS = 86_400_000
_GENRE_LESSONS = 12
"""Trees are grown at the tenth."""


class _Record(msgspec.Struct):
    """A record of the little world in which a worker warms up."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


class _World(Alone):
    """A group of one, an outbox that keeps deltas, a clock that stands."""

    def __init__(self) -> None:
        self.deltas: list[Outgoing] = []

    def now_ms(self) -> int:
        return _AT_MS

    async def publish(self, records: Sequence[Outgoing]) -> None:
        self.deltas += [r for r in records if r.topic.endswith("track-deltas")]


def _plays() -> list[Record]:
    def play(i: int) -> Record:
        value = {
            "event_id": f"e{i}",
            "user_id": "ana",
            "track_id": f"t{i % 5}",
            "played_at": _AT_MS + i * 200_000 - 10_000_000,
            "ms_played": 180_000,
            "duration_ms": 200_000,
            "artist": "Ana",
            "album": "Ana's",
        }
        return _Record("segue.events", 0, i, _AT_MS, b"ana", msgspec.json.encode(value))

    return [play(i) for i in range(8)]


async def _warm_plays() -> None:
    settings = Settings(events_partitions=1, deltas_partitions=2, user_rows_max=64, track_rows_max=64)
    world = _World()
    worker = Plays(settings, MemoryStore(), world, world)
    worker.attach(world)
    tps = [TP(worker.events_topic, 0), TP(worker.deltas_topic, 0)]
    await worker.claim(tps)
    for offset, record in enumerate(_plays()):
        await worker.receive(worker.events_topic, {0: [record]})
        await worker.settle()
        sent, world.deltas = world.deltas, []
        for i, out in enumerate(o for o in sent if o.partition == 0):
            await worker.receive(worker.deltas_topic, {0: [_Record(out.topic, 0, 100 * offset + i, _AT_MS, None, out.value)]})
            await worker.settle()
    await worker.claim(tps)  # rows are read back: the codecs compile
    record = _Record("segue.events", 0, 8, _AT_MS, b"ana", _plays()[-1].value)
    await worker.receive(worker.events_topic, {0: [record]})
    await worker.settle()
    await worker.close()


def _warm_models() -> None:
    """Teach every model that has kernels: imported here, as in `worker.py`, so that a plays worker loads no River."""
    from online_models.genres.model import GenreModel

    import_module("streams.models_worker")
    model = GenreModel()
    for n in range(_GENRE_LESSONS):
        model.learn_one(
            {"track_id": f"t{n}", "title": f"Song {n}", "artist": "Ana", "energy": n / _GENRE_LESSONS}, "rock" if n % 2 else "pop"
        )
    model.predict_one({})
    _warm_counts()


def _warm_counts() -> None:
    """A question, a play a day later that counts for it, and its answer two months later."""
    from online_models.counts.model import CountsModel

    model = CountsModel()
    for days in (0, 1, 31, 62):
        model.learn_one({"event": 0, "user": 1, "track": 1, "at_ms": _AT_MS + days * _DAY_MS, "source": 0}, 0)
    CountsModel.restore(model.snapshot()).predict_one({"user": 1, "track": 1, "at_ms": _AT_MS})


def warm_up(role: str) -> None:
    """Run a few plays through a worker in memory, teach the models a little, or load the role; leaves no thread and no loop behind."""
    partition_of(b"ana", 8)
    if role == "plays":
        asyncio.run(_warm_plays())
    elif role == "models":
        _warm_models()
    elif role == "answers":
        # It ranks by the kernel of a play: the little world of a plays worker compiles what it needs.
        asyncio.run(_warm_plays())
        import_module("streams.answers_worker")
    else:
        import_module("streams.catalogue_worker")


if __name__ == "__main__":
    for compiled in ("plays", "models"):
        warm_up(compiled)
