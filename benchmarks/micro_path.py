"""CPU of a play by stage, in one process without Kafka and Redis: `python -m benchmarks.micro_path`.

For work on the hot path: the least and the median of many rounds tell more on a busy machine than a whole run does. The
clock is made up (RATE plays a second), so that what happens twice a second happens as often as on a machine of its own.
What is missing against `segue bench pipeline`: consuming, the wire, producing, and whatever waits.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np
from aiokafka.structs import ConsumerRecord

from benchmarks.crowd import Crowd, Play, Size
from benchmarks.workers.stages import Stopwatch, wrap
from infra import store as redis_store
from infra.fenced import Applied, FencedCall, Refused
from infra.memory_store import MemoryStore
from infra.resp import pieces
from infra.settings import Settings
from online_models.checks import Lesson
from online_models.finish import FinishModel
from online_models.finish_features import FEATURES
from streams.alone import Alone
from streams.partitioner import partition_of
from streams.plays import Plays
from streams.ports import TP, Outgoing, Record

PRIMED_N: Final = 150_000
ROUNDS_N: Final = 40
ROUND_PLAYS: Final = 1_000
RATE: Final = 15_000
START_MS: Final = 1_764_582_000_000
SEED: Final = 1
LESSONS_N: Final = 600

Chunks = dict[int, list[Record]]


class Wire(MemoryStore):
    """Packs an apply for the wire and says that it landed; rows stay in the worker's memory alone."""

    def __init__(self, watch: Stopwatch) -> None:
        super().__init__()
        self.bytes = 0
        self._packed = watch.function("apply, up to the socket", self._pack)
        self.serving: bytes = _finish_model()

    async def apply(self, calls: Sequence[FencedCall]) -> list[Applied | Refused]:
        """As the real one does up to the socket; only the cursors are kept."""
        self._packed(calls)
        return await super().apply([msgspec.structs.replace(call, rows=[], commands=[]) for call in calls])

    def _pack(self, calls: Sequence[FencedCall]) -> None:
        """What goes out."""
        self.bytes += sum(map(len, pieces([vars(redis_store)["_apply_args"](call) for call in calls])))

    async def text(self, keys: Sequence[str]) -> list[bytes | None]:
        """A finish model; nothing else."""
        return [self.serving if key.endswith(":serving") else None for key in keys]


class World(Alone):
    """A group of one, an outbox that hands deltas back, a made-up clock."""

    def __init__(self) -> None:
        self.at_ms = float(START_MS)
        self.lists = self.list_bytes = 0
        self._deltas: defaultdict[int, list[Record]] = defaultdict(list)
        self._next: defaultdict[int, int] = defaultdict(int)

    def now_ms(self) -> int:
        return int(self.at_ms)

    async def publish(self, records: Sequence[Outgoing]) -> None:
        for out in records:
            if out.topic.endswith("track-deltas"):
                self._deltas[out.partition].append(_record(out.topic, out.partition, self._next[out.partition], None, out.value))
                self._next[out.partition] += 1
            elif out.topic.endswith("recommendations"):
                self.lists += 1
                self.list_bytes += len(out.value or b"")

    def take_deltas(self) -> Chunks:
        """What was sent to the tracks' side since the last call."""
        taken, self._deltas = dict(self._deltas), defaultdict(list)
        return taken


def _record(topic: str, partition: int, offset: int, key: bytes | None, value: bytes | None) -> Record:
    found: Record = ConsumerRecord(topic, partition, offset, START_MS, 1, key, value, None, 0, len(value or b""), ())
    return found


def _finish_model() -> bytes:
    """A model that learned a little, as workers are served it."""
    rng = np.random.default_rng(SEED)
    model = FinishModel()
    for x in rng.random((LESSONS_N, len(FEATURES))):
        model.learn_one(*Lesson(dict(zip(FEATURES, x.tolist(), strict=True)), bool(x[0] > 0.5)))
    return model.serving(1)


class Log:
    """Plays become records of the events topic."""

    def __init__(self, topic: str, n_partitions: int) -> None:
        self._topic, self._n = topic, n_partitions
        self._next = [0] * n_partitions

    def chunks(self, plays: Sequence[Play]) -> Chunks:
        """The next records by partition."""
        made: defaultdict[int, list[Record]] = defaultdict(list)
        for play in plays:
            partition = partition_of(play.key, self._n)
            made[partition].append(_record(self._topic, partition, self._next[partition], play.key, play.value))
            self._next[partition] += 1
        return dict(made)


async def _round(worker: Plays, world: World, chunks: Chunks) -> None:
    await worker.receive(worker.events_topic, chunks)
    await worker._inbox.quiet()
    await worker.receive(worker.deltas_topic, world.take_deltas())
    await worker._inbox.quiet()
    world.at_ms += 1_000 * ROUND_PLAYS / RATE


async def measure() -> dict[str, Any]:
    """us per play by stage."""
    settings = Settings()
    watch, world = Stopwatch(), World()
    wrap(watch)
    store = Wire(watch)
    worker = Plays(settings, store, world, world)
    worker.attach(world)
    crowd = Crowd(SEED, START_MS - 30 * 24 * 3_600_000, Size())
    await worker.claim(
        [TP(worker.events_topic, p) for p in range(settings.events_partitions)]
        + [TP(worker.deltas_topic, p) for p in range(settings.deltas_partitions)]
    )
    log = Log(worker.events_topic, settings.events_partitions)
    for _ in range(PRIMED_N // ROUND_PLAYS):
        await _round(worker, world, log.chunks(list(crowd.plays(ROUND_PLAYS))))
    rounds = [log.chunks(list(crowd.plays(ROUND_PLAYS))) for _ in range(ROUNDS_N)]
    world.lists = world.list_bytes = store.bytes = 0
    took: defaultdict[str, list[float]] = defaultdict(list)
    for chunks in rounds:
        before = watch.ns.copy()
        await _round(worker, world, chunks)
        for name, ns in (watch.ns - before).items():
            took[name or "rounds, loop"].append(ns / 1_000 / ROUND_PLAYS)
    await worker.close()
    return {
        "us_per_play": {name: _told(us) for name, us in sorted(took.items(), key=lambda pair: -min(pair[1]))},
        "sum_of_least_us": round(sum(min(us) for name, us in took.items() if name != "tracks side"), 2),
        "list_bytes": round(world.list_bytes / world.lists),
        "redis_bytes_per_play": round(store.bytes / (ROUNDS_N * ROUND_PLAYS)),
    }


def _told(us: list[float]) -> dict[str, float]:
    return {"least": round(min(us), 2), "median": round(statistics.median(us), 2), "mean": round(statistics.mean(us), 2)}


def main() -> None:
    """One JSON object on stdout."""
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(asyncio.run(measure())), indent=2) + b"\n")


if __name__ == "__main__":
    main()
