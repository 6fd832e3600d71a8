"""The Faust app of a worker: which topics, which owner, which settings, and how the process ends.

Order of a start: warm up (imports, kernels) first, join the group last. A process that compiles kernels while it joins
blocks the whole group for seconds.
"""

from __future__ import annotations

import faulthandler
import logging
import sys
from collections.abc import AsyncIterable, Callable, Coroutine, Sequence
from typing import Any, NoReturn

import faust
from faust.app.base import BootStrategy
from mode.supervisors import CrashingSupervisor

from infra.settings import Settings
from streams.transport import FETCHED_CODEC, Owner, Tableless

log = logging.getLogger("segue.worker")

REBALANCE_S = 10.0
"""How long Kafka waits for every member to come back into the group; a revocation takes QUIESCE_S of it."""

STOP_S = 4.8
"""After this the process is ended whatever it does, with the stacks of all threads on stderr."""


class ConsumerOnly(BootStrategy):  # type: ignore[misc]
    """Starts the consumer and the agents; not Faust's producer (see streams/outbox.py), leader election, replies or web."""

    enable_kafka_producer = False
    enable_web = False

    def kafka_consumer(self) -> Sequence[Any]:
        return [self.app.consumer]


class SegueApp(faust.App):  # type: ignore[misc]
    """A Faust app whose partitions belong to `segue`; `beside` runs with it, from before it joins the group."""

    BootStrategy = ConsumerOnly
    segue: Owner
    beside: Callable[[], Coroutine[Any, Any, None]] | None = None

    async def on_first_start(self) -> None:
        """Leave no trace on disk: Faust would make folders for its tables in the current directory, and we have none."""

    async def on_start(self) -> None:
        """Start what runs beside."""
        if self.beside is not None:
            self.add_future(self.beside())
        await super().on_start()


def build_app(settings: Settings, *, group: str, topics: Sequence[str], segue: Owner) -> SegueApp:
    """An app that hands everything it fetches from `topics` to `segue`; consumer group `{namespace}.{group}`.

    Call it in the process and on the loop that will run it.
    """
    app = SegueApp(
        f"{settings.namespace}.{group}",
        broker=[f"chunk://{address}" for address in settings.kafka.split(",")],
        # Every Faust setting has an environment variable that beats the argument: keep strangers' variables out.
        env_prefix="SEGUE_FAUST_",
        broker_client_id=f"{settings.namespace}.{group}",
        broker_session_timeout=settings.session_timeout_ms / 1000,
        broker_heartbeat_interval=settings.heartbeat_ms / 1000,
        broker_rebalance_timeout=max(REBALANCE_S, settings.session_timeout_ms / 1000),
        broker_request_timeout=max(30.0, settings.session_timeout_ms / 1000),
        consumer_auto_offset_reset="none",
        consumer_group_instance_id=settings.worker_id or None,
        stream_wait_empty=True,
        table_standby_replicas=0,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        worker_redirect_stdouts=False,
        TableManager=Tableless,
    )
    app.segue = segue
    app.transport.fetch_wait_ms = settings.fetch_wait_ms
    for topic in topics:
        _hand_over(app, topic)
    return app


def _hand_over(app: SegueApp, topic: str) -> None:
    """One agent for `topic`. An exception of the owner is our bug: it ends the process, nothing is acknowledged."""

    async def receive(stream: Any) -> None:
        async for event in _events(stream):
            fetched = event.value
            chunks = fetched.current()
            if chunks:
                await app.segue.receive(topic, chunks)
            fetched.finished()

    channel = app.topic(topic, value_serializer=FETCHED_CODEC, acks=False, internal=False)
    app.agent(channel, name=f"receive-{topic}", supervisor_strategy=CrashingSupervisor)(receive)


def _events(stream: Any) -> AsyncIterable[Any]:
    events: AsyncIterable[Any] = stream.noack().events()
    return events


class Worker(faust.Worker):  # type: ignore[misc]
    """Runs the app until a signal or a crash; ends within STOP_S of either, even when an agent hangs."""

    async def stop(self) -> None:
        if not self._stopped.is_set():
            faulthandler.dump_traceback_later(STOP_S, exit=True)
        await super().stop()


def run_app(app: SegueApp) -> NoReturn:
    """Run until SIGTERM, SIGINT (exit code 0) or a crash (exit code 1). Logging is the caller's."""
    worker = Worker(app, override_logging=False, redirect_stdouts=False, quiet=True, stdout=sys.stderr)
    worker.spinner = None
    worker.execute_from_commandline()
    raise AssertionError("execute_from_commandline exits")
