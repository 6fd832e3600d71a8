"""Composition root of the workers: real store, real outbox, real clock, one process per worker under a supervisor."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import traceback
from collections.abc import Callable, Collection, Mapping
from typing import Final, Literal, Protocol

import msgspec
import structlog

from infra import logs
from infra.health import Health, serving
from infra.malloc import Rest, give_back
from infra.metrics import Metrics
from infra.settings import Settings
from infra.store import RedisStore
from streams.clock import SystemClock
from streams.fail_points import FailPoints
from streams.faust_app import SegueApp, build_app, run_app
from streams.lag import Lag
from streams.observe import Measured
from streams.outbox import KafkaOutbox
from streams.plays import Plays
from streams.ports import TP, Group, Record
from streams.reread import read_all, read_one
from streams.supervisor import supervise
from streams.warm_up import warm_up

log = structlog.get_logger("segue.worker")

Role = Literal["plays", "models", "catalogue", "answers"]
ROLES: Final[tuple[Role, ...]] = ("plays", "models", "catalogue", "answers")
BEAT_S: Final = 1.0
GARBAGE_AFTER: Final = (20_000, 20, 50)
"""Thresholds of Python's collector. A round makes thousands of tuples and frees them by reference count; the default of
700 looks at them ten times a round and takes 5 % of the CPU, with pauses up to 100 ms."""
METRICS_PORTS: Final = 32
"""Ports tried from SEGUE_METRICS_PORT up: one per worker of the machine."""


class Core(Protocol):
    """What a role does with the partitions that it owns."""

    def attach(self, group: Group) -> None: ...
    async def claim(self, tps: Collection[TP]) -> dict[TP, int]: ...
    async def revoked(self, tps: Collection[TP]) -> None: ...
    async def receive(self, topic: str, chunks: dict[int, list[Record]]) -> None: ...


class Joined:
    """The transport as a `Group`, and what it lacks: one record read again."""

    def __init__(self, settings: Settings, app: SegueApp, lag: Lag) -> None:
        self._settings, self._consumer, self._lag = settings, app.consumer, lag

    async def bounds(self, tps: Collection[TP]) -> dict[TP, tuple[int, int]]:
        """(first readable offset, end of the log) of each partition."""
        found: dict[TP, tuple[int, int]] = await self._consumer.bounds(tps)
        return found

    async def reposition(self, tp: TP, offset: int) -> bool:
        """Read on at `offset`."""
        return bool(await self._consumer.reposition(tp, offset))

    async def confirmed_member(self) -> None:
        """Ends once the group acknowledged us again."""
        await self._consumer.confirmed_member()

    async def read_one(self, tp: TP, offset: int) -> Record:
        """The record at `offset`."""
        return await asyncio.to_thread(read_one, self._settings.kafka, tp, offset)

    async def read_all(self, topic: str) -> list[bytes | None]:
        """Every value on a small compacted topic."""
        return await asyncio.to_thread(read_all, self._settings.kafka, topic)

    async def publish_positions(self, positions: Mapping[TP, int]) -> None:
        """For lag tools, and for our own metric."""
        self._lag.tell(positions, self._consumer.ends())
        await self._consumer.publish_positions(positions)


def _plays(settings: Settings, store: RedisStore, outbox: KafkaOutbox, metrics: Metrics) -> Core:
    fail_points = FailPoints(settings.fail_points, settings.data_dir)
    return Plays(settings, store, outbox, SystemClock(), observe=Measured(metrics), fail_points=fail_points, on_crash=_end)


def _models(settings: Settings, store: RedisStore, outbox: KafkaOutbox, metrics: Metrics) -> Core:
    """Imported here: a plays worker has no use for River, which takes 60 MB. The supervisor has loaded it before it forks (`warm_up`)."""
    from streams.models_worker import Models
    from streams.observe_models import MeasuredModels

    return Models(settings, store, outbox, SystemClock(), observe=MeasuredModels(metrics), on_crash=_end)


def _catalogue(settings: Settings, store: RedisStore, outbox: KafkaOutbox, metrics: Metrics) -> Core:
    """Imported here, as the models: the cleaning's estimates are River's."""
    from streams.catalogue_worker import Catalogue
    from streams.observe_catalogue import MeasuredCatalogue

    return Catalogue(settings, store, outbox, SystemClock(), observe=MeasuredCatalogue(metrics), on_crash=_end)


def _answers(settings: Settings, store: RedisStore, outbox: KafkaOutbox, metrics: Metrics) -> Core:
    """Imported here: no other role makes lists on demand."""
    from streams.answers_worker import Answers
    from streams.observe_answers import MeasuredAnswers

    fail_points = FailPoints(settings.fail_points, settings.data_dir)
    return Answers(settings, store, outbox, SystemClock(), observe=MeasuredAnswers(metrics), fail_points=fail_points, on_crash=_end)


CORES: Final[dict[Role, Callable[[Settings, RedisStore, KafkaOutbox, Metrics], Core]]] = {
    "plays": _plays,
    "models": _models,
    "catalogue": _catalogue,
    "answers": _answers,
}


class Worker:
    """Owner given to the transport: builds the role's core at the first assignment, on the loop that runs it."""

    def __init__(self, role: Role, settings: Settings, metrics: Metrics, health: Health) -> None:
        self._role, self._settings, self._metrics, self.health = role, settings, metrics, health
        self._core: Core | None = None
        self._store: RedisStore | None = None
        self._parked: set[TP] = set()
        self._n_received = 0
        self.app: SegueApp | None = None

    async def claim(self, tps: Collection[TP]) -> dict[TP, int]:
        """Take partitions over."""
        self._metrics.count("rebalances_total")
        if self._core is None:
            self._core = self._build()
        found = await self._core.claim(tps)
        self._park((self._parked | set(tps)) - found.keys())
        self.health.clear("start")
        return found

    async def revoked(self, tps: Collection[TP]) -> None:
        """Let partitions go."""
        if self._core is not None:
            await self._core.revoked(tps)
        self._park(self._parked - set(tps))

    async def receive(self, topic: str, chunks: dict[int, list[Record]]) -> None:
        """Records of owned partitions."""
        assert self._core is not None, "records come after a claim"
        self._n_received += 1
        await self._core.receive(topic, chunks)

    def _build(self) -> Core:
        assert self.app is not None, "the app is built before it runs"
        s = self._settings
        store = self._store = RedisStore(s.redis, namespace=s.namespace, on_wait=_waiting(self.health, self._metrics))
        outbox = KafkaOutbox(s.kafka, client_id=f"{s.namespace}.{self._role}")
        core = CORES[self._role](s, store, outbox, self._metrics)
        core.attach(Joined(s, self.app, Lag(self._metrics)))
        return core

    async def beat(self) -> None:
        """Says that the loop turns, with or without partitions, and that Redis answers again once nothing waits for it."""
        rest = Rest()
        while True:
            self.health.beat()
            if rest.begins(self._n_received):
                give_back()
            if self._store is not None and not self._store.waiting:
                self.health.clear("redis")
            await asyncio.sleep(BEAT_S)

    def _park(self, parked: set[TP]) -> None:
        """Partitions that are owned and not read: not ready, and the log says why."""
        self._parked = parked
        if parked:
            names = ", ".join(f"{tp.topic}-{tp.partition}" for tp in sorted(parked))
            self.health.trouble("gap", f"{names}: paused, records were deleted before they were read; see the log")
        else:
            self.health.clear("gap")


def _waiting(health: Health, metrics: Metrics) -> Callable[[str], None]:
    def on_wait(reason: str) -> None:
        metrics.count("redis_waits_total")
        health.trouble("redis", reason)

    return on_wait


def _end(error: BaseException) -> None:
    """Our bug, or state that must not be touched: end without acknowledging; the supervisor starts a new process."""
    log.error("stopped", error=f"{type(error).__name__}: {error}", trace="".join(traceback.format_exception(error)))
    sys.stderr.flush()
    os._exit(1)


TOPICS: Final[dict[Role, tuple[str, ...]]] = {
    "plays": ("events", "internal.track-deltas"),
    "models": ("internal.lessons",),
    "catalogue": ("tracks", "users"),
    "answers": ("events",),
}


def run_worker(role: Role, settings: Settings) -> None:
    """Run one worker in this process until a signal."""
    gc.set_threshold(*GARBAGE_AFTER)
    logs.configure(settings, role=role)
    metrics = Metrics(settings.namespace)
    worker = Worker(role, settings, metrics, Health(metrics))
    topics = [f"{settings.namespace}.{topic}" for topic in TOPICS[role]]
    with serving(settings.metrics_host, settings.metrics_port, metrics, worker.health, ports_max=METRICS_PORTS):
        worker.app = build_app(settings, group=role, topics=topics, segue=worker)
        worker.app.beside = worker.beat
        run_app(worker.app)


def run_role(role: Role, settings: Settings, workers: int = 1) -> int:
    """Run `workers` processes of a role under a supervisor; returns its exit code.

    Each process has a static member id that it keeps across restarts, and the next free metrics port.
    """
    base = settings.worker_id or f"{role}-{os.getpid()}"

    def child(index: int) -> None:
        run_worker(role, msgspec.structs.replace(settings, worker_id=f"{base}-{index}"))

    return supervise(child, workers, lambda: warm_up(role))
