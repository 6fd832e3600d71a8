"""CPU per play of what lies around the computation: consuming and publishing on a real Kafka, `python -m benchmarks.micro_wire`.

A worker without models and without Redis drains a backlog: the real transport, inbox and outbox, and for each play a
ready list of the usual size. What a real round computes is a stand-in that holds the interpreter as long, and what it
waits for Redis is a sleep: how the threads of a worker get into each other's way depends on both. The stand-in is not
counted. The backlog is read anew in every round, by a fresh app in this process; the least round is the figure.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

import msgspec

from benchmarks.crowd import Crowd, Size
from benchmarks.load import produce
from benchmarks.processes import decode_us
from benchmarks.rig import BEGUN_AGO_MS
from benchmarks.workers.stages import Stopwatch, thread_kind
from infra import topics
from infra.kafka_process import LocalKafka
from infra.settings import Settings
from streams.clock import SystemClock
from streams.cloudevents import list_headers
from streams.faust_app import build_app
from streams.inbox import Inbox
from streams.outbox import KafkaOutbox
from streams.plays import AHEAD_PLAYS_MAX
from streams.ports import TP, Outgoing, Record
from streams.transport import ChunkConsumer
from streams.worker import GARBAGE_AFTER

PLAYS_N: Final = 60_000
WARM_PLAYS_N: Final = 10_000
ROUNDS_N: Final = 3
LIST_BYTES: Final = 6_187
DELTA_BYTES_PER_PLAY: Final = 237
LESSON_BYTES_PER_PLAY: Final = 65
KERNEL_US: Final = 25
"""Per play, in one piece: compiled code does not let other threads in."""
PYTHON_US: Final = 20
"""Per play, in a loop that other threads may interrupt."""
REDIS_WAIT_US: Final = 30
DRAIN_S_MAX: Final = 60.0


class Worker:
    """Owner of all partitions that publishes ready lists."""

    def __init__(self, settings: Settings, watch: Stopwatch, lists: list[bytes]) -> None:
        self.settings, self.watch, self._lists = settings, watch, lists
        self.begun: dict[str, float] = {}
        self.app: Any = None
        self._inbox = Inbox(settings.round_plays_max)
        self._outbox = KafkaOutbox(settings.kafka)
        self._publish = watch.coroutine("publish", self._outbox.publish)
        self._compute = watch.function("compute", _compute)
        self._handled = self._sent = self._seen = 0
        self._events, self._deltas = f"{settings.namespace}.events", f"{settings.namespace}.internal.track-deltas"
        self._lessons, self._answers = f"{settings.namespace}.internal.lessons", f"{settings.namespace}.recommendations"
        self._running: asyncio.Task[None] | None = None

    async def claim(self, tps: Collection[TP]) -> dict[TP, int]:
        """Events from the first on, deltas of this round only."""
        bounds = await self.app.consumer.bounds(tps)
        if self._running is None:
            self._running = asyncio.ensure_future(self._run())
        return {tp: bounds[tp][0 if tp.topic == self._events else 1] for tp in tps}

    async def revoked(self, tps: Collection[TP]) -> None:
        """Nothing is kept."""

    async def receive(self, topic: str, chunks: dict[int, list[Record]]) -> None:
        """As `streams/plays.py`."""
        users = topic == self._events
        for partition, records in chunks.items():
            await self._inbox.room(users)
            self._inbox.put(users, partition, records)

    async def done(self) -> None:
        """Until the backlog is handled and acknowledged."""
        while self._running is None:
            await asyncio.sleep(0.05)
        await self._running

    async def _run(self) -> None:
        published: asyncio.Future[None] | None = None
        while self._handled < PLAYS_N:
            users, tracks = await self._inbox.take(lambda: self._sent - self._seen <= AHEAD_PLAYS_MAX)
            self._seen += sum(int(record.value[:8]) for records in tracks.values() for record in records if record.value)
            n = sum(map(len, users.values()))
            self._compute(n)
            await asyncio.sleep(n * REDIS_WAIT_US / 1e6)
            if published is not None:
                await published
            published = asyncio.ensure_future(self._publish(self._made(users))) if n else None
            if self._handled < WARM_PLAYS_N <= self._handled + n:
                self.begun = used_us(self.watch)
            self._handled += n
            self._inbox.done()
        if published is not None:
            await published

    def _made(self, users: dict[int, list[Record]]) -> list[Outgoing]:
        n = sum(map(len, users.values()))
        at_ms = SystemClock().now_ms()
        headers = list_headers(at_ms)
        made: list[Outgoing] = []
        for partition, records in users.items():
            for record in records:
                value = self._lists[len(made)]
                made.append(Outgoing(self._answers, partition, record.key, value, headers(b"8f3a-%d-%d" % (partition, record.offset))))
        parts = self.settings.deltas_partitions
        share = [n // parts + (q < n % parts) for q in range(parts)]
        made += [Outgoing(self._deltas, q, None, b"%08d" % m + bytes(DELTA_BYTES_PER_PLAY * m), []) for q, m in enumerate(share)]
        made.append(Outgoing(self._lessons, 0, None, bytes(LESSON_BYTES_PER_PLAY * n), []))
        self._sent += n
        return made

    async def close(self) -> None:
        """Ends the producers."""
        if self._running is not None:
            self._running.cancel()
        await self._outbox.close()


def _compute(n: int) -> None:
    """Holds the interpreter as a round of `n` plays does; in parts, as kernels do."""
    for us in (KERNEL_US, 0, PYTHON_US):
        end_ns = time.thread_time_ns() + n * us * 1_000
        if us == KERNEL_US:
            while time.thread_time_ns() < end_ns:
                sum(range(200_000))
        else:
            while time.thread_time_ns() < end_ns:
                pass


def used_us(watch: Stopwatch) -> dict[str, float]:
    """CPU so far, us: stages of the main thread, and the other threads by kind."""
    used = {name or "loop and Faust": ns / 1_000 for name, ns in watch.ns.items()}
    python_us = 0.0
    for thread in threading.enumerate():
        assert thread.ident is not None, "it runs"
        us = 1e6 * time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
        python_us += us
        if thread is not threading.main_thread():
            kind = thread_kind(thread)
            used[kind] = used.get(kind, 0.0) + us
    used["librdkafka"] = 1e6 * time.process_time() - python_us
    return used


async def drained(settings: Settings, number: int, lists: list[bytes]) -> dict[str, float]:
    """One round: us of CPU per play by stage and thread."""
    watch = Stopwatch()
    deliver = vars(ChunkConsumer)["_deliver_some"]
    vars_of: Any = ChunkConsumer
    vars_of._deliver_some = watch.coroutine("receive", deliver)
    worker = Worker(settings, watch, lists)
    names = [f"{settings.namespace}.events", f"{settings.namespace}.internal.track-deltas"]
    worker.app = build_app(settings, group=f"round-{number}", topics=names, segue=worker)
    await worker.app.start()
    try:
        await asyncio.wait_for(worker.done(), DRAIN_S_MAX)
        ended = used_us(watch)
    finally:
        vars_of._deliver_some = deliver
        await worker.app.stop()
        await worker.close()
    n = PLAYS_N - WARM_PLAYS_N
    return {name: (us - worker.begun.get(name, 0.0)) / n for name, us in ended.items()}


async def run(kafka: str) -> dict[str, object]:
    """All rounds; the report."""
    settings = Settings(namespace="bench", kafka=kafka, metrics_port=0)
    topics.apply(settings)
    crowd = Crowd(1, SystemClock().now_ms() - BEGUN_AGO_MS, Size())
    plays = list(crowd.plays(PLAYS_N))
    produce(settings, plays)
    lists = [bytes(LIST_BYTES) for _ in range(settings.round_plays_max)]
    found: list[dict[str, float]] = []
    pace: list[float] = []
    for number in range(ROUNDS_N):
        pace.append(round(decode_us(plays[:10_000]), 3))
        found.append(await drained(settings, number, lists))
    names = [name for name in found[0] if name != "compute"]
    sums = [sum(one.get(name, 0.0) for name in names) for one in found]
    return {
        "us_per_play": {name: _told([one.get(name, 0.0) for one in found]) for name in names},
        "all": _told(sums),
        "decode_us": pace,
    }


def _told(values: list[float]) -> dict[str, float]:
    return {"min": round(min(values), 2), "median": round(statistics.median(values), 2)}


def main() -> None:
    """Print one JSON object."""
    gc.set_threshold(*GARBAGE_AFTER)
    with tempfile.TemporaryDirectory() as folder, LocalKafka(Path(folder)) as kafka:
        result = asyncio.run(run(kafka.address))
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n")


if __name__ == "__main__":
    main()
