"""What it costs to teach the models of plays and listeners: `python -m benchmarks.micro_listening`.

Two plays workers in one process take the same rounds in turn, one that sends lessons and one that sends none: CPU per play of both and
their ratio, round by round, so that a busy machine disturbs both alike. Then each model takes the lessons that were sent:
CPU per lesson, read from its bytes and learned, and how much of a core 400 of them and 100 of genre take every second.
What is missing: consuming, the wire, producing.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from benchmarks.crowd import Crowd, Size
from benchmarks.micro_path import START_MS, Chunks, Log, Wire, World, _round
from benchmarks.workers.stages import Stopwatch
from infra.settings import Settings
from online_models.registry import MODELS, Entry
from streams.model_fold import Fold
from streams.plays import Plays
from streams.ports import TP, Outgoing

PRIMED_N, ROUNDS_N, ROUND_PLAYS, SEED = 30, 60, 1_000, 1
LESSONS_N: Final = 20_000
CHEAP_PER_S: Final = 400
GENRE_US: Final = 1_930
"""Of a lesson of genre with names, as docs/models.md measures it."""
GENRE_PER_S: Final = 100


class Pupils(World):
    """Keeps the lessons, too."""

    def __init__(self) -> None:
        super().__init__()
        self.lessons: list[Outgoing] = []

    async def publish(self, records: Sequence[Outgoing]) -> None:
        await super().publish(records)
        self.lessons += [out for out in records if out.topic.endswith("internal.lessons")]


async def _worker(rate: float) -> tuple[Plays, Pupils]:
    settings = msgspec.structs.replace(Settings(), lessons_rate=rate, listening_rate=rate)
    world = Pupils()
    worker = Plays(settings, Wire(Stopwatch()), world, world)
    worker.attach(world)
    await worker.claim(
        [TP(worker.events_topic, p) for p in range(settings.events_partitions)]
        + [TP(worker.deltas_topic, p) for p in range(settings.deltas_partitions)]
    )
    return worker, world


async def of_plays() -> tuple[dict[str, Any], list[Outgoing]]:
    """CPU per play with lessons and without, and the lessons."""
    workers = {name: await _worker(rate) for name, rate in (("with", 1.0), ("without", 0.0))}
    crowd, took = Crowd(SEED, START_MS - 30 * 24 * 3_600_000, Size()), {name: list[float]() for name in workers}
    log = Log(workers["with"][0].events_topic, Settings().events_partitions)
    for n in range(PRIMED_N + ROUNDS_N):
        chunks: Chunks = log.chunks(list(crowd.plays(ROUND_PLAYS)))
        for name in list(workers) if n % 2 else list(workers)[::-1]:
            started_s = time.process_time()
            await _round(*workers[name], chunks)
            if n >= PRIMED_N:
                took[name].append((time.process_time() - started_s) / ROUND_PLAYS * 1e6)
    for worker, _ in workers.values():
        await worker.close()
    ratios = [a / b for a, b in zip(took["with"], took["without"], strict=True)]
    told = {f"us_per_play_{name}": {"least": round(min(us), 2), "median": round(statistics.median(us), 2)} for name, us in took.items()}
    ratio = {"median": round(statistics.median(ratios), 3), "of_least": round(min(took["with"]) / min(took["without"]), 3)}
    return {**told, "ratio": ratio}, workers["with"][1].lessons


def of_lessons(entry: Entry, sent: Sequence[Outgoing]) -> dict[str, float]:
    """CPU of one lesson of a model, and of a snapshot after all."""
    fold = Fold(entry, "")
    records = [out for out in sent if out.partition == entry.partition]
    fold.incarnation = (records[0].value or b"")[:8].decode()
    started_s, n = time.process_time(), 0
    for offset, record in enumerate(records):
        for _ in fold.record(offset, record.value, START_MS):
            n += 1
        if n >= LESSONS_N:
            break
    us = (time.process_time() - started_s) / n * 1e6
    started_s = time.process_time()
    size = sum(map(len, fold.model.snapshot().values()))
    return {"lessons": n, "us": round(us, 1), "snapshot_ms": round((time.process_time() - started_s) * 1e3, 1), "snapshot_bytes": size}


def main() -> None:
    """One JSON object on stdout."""
    plays, sent = asyncio.run(of_plays())
    models = {entry.name: of_lessons(entry, sent) for entry in MODELS if entry.learns_from == "plays"}
    share = CHEAP_PER_S * statistics.mean(found["us"] for found in models.values()) / 1e6 + GENRE_PER_S * GENRE_US / 1e6
    report = {"plays": plays, "lessons": models, "core_share_of_400_cheap_and_100_genre": round(share, 3)}
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n")


if __name__ == "__main__":
    main()
