"""Publishes with records too large for a batch of ours: librdkafka, which batches and sends on threads of its own.

Each publish costs thread hand-overs, and while requests are under way its thread spins; so what fits into batches takes
streams/batch_producer.py (facts of the choice: docs/decisions/0020-outbox.md).
"""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from collections.abc import Sequence
from typing import Any

from confluent_kafka import KafkaError, Producer

from streams.ports import Outgoing, Unavailable

log = logging.getLogger("segue.outbox")

POLL_S = 0.5
"""Longest sleep of the callback thread; it wakes at once for an acknowledgement."""

YIELD_EVERY = 500
"""Records handed over without letting other tasks run: about 2 ms."""

QUIET_S = 10.0
"""Pause between two warnings about a broker that is away."""

FULL_S = 0.01
"""Pause when librdkafka's queue is full."""


def bulk_settings(bootstrap: str, client_id: str, compression: str) -> dict[str, Any]:
    """librdkafka: idempotent, every replica acknowledges, never gives up by time."""
    return {
        "bootstrap.servers": bootstrap,
        "client.id": client_id,
        "enable.idempotence": True,
        "acks": "all",
        # 0 = no limit: a broker that is away is waited for. A limit would fail records that may have been appended.
        "delivery.timeout.ms": 0,
        "linger.ms": 2,
        "batch.size": 524_288,
        "batch.num.messages": 10_000,
        "message.max.bytes": 4_194_304,
        "queue.buffering.max.messages": 200_000,
        "queue.buffering.max.kbytes": 131_072,
        "compression.type": compression,
        "reconnect.backoff.max.ms": 1_000,
        "retry.backoff.ms": 100,
        "log.connection.close": False,
        # Its own log goes to stderr, several lines a second while a broker is away; `error_cb` tells us the same.
        "log_level": 2,
    }


class BulkProducer:
    """Publishes through confluent-kafka; one wake-up of the loop per publish, whatever its size."""

    def __init__(self, bootstrap: str, client_id: str, *, compression: str) -> None:
        self._settings = bulk_settings(bootstrap, client_id, compression)
        self._loop = asyncio.get_running_loop()
        self._producer: Producer | None = None
        self._ending = False
        self._broken: BaseException | None = None
        self._warned_s = -math.inf
        self._waiting: set[asyncio.Future[None]] = set()
        self._thread = threading.Thread(target=self._poll, name="segue-outbox", daemon=True)

    async def publish(self, records: Sequence[Outgoing]) -> None:
        """Append `records` in order; returns when each is acknowledged.

        Raises
        ------
        Unavailable
            When it is closed meanwhile.
        RuntimeError
            When the broker refuses a record for good, or the producer lost its sequence: the process must start anew.
        """
        if self._broken is not None:
            raise self._broken
        producer = self._started()
        landed: asyncio.Future[None] = self._loop.create_future()
        self._waiting.add(landed)
        landed.add_done_callback(self._waiting.discard)
        on_delivery = _countdown(len(records), self._loop, landed)
        for number, record in enumerate(records, 1):
            while not self._queued(producer, record, on_delivery):
                await asyncio.sleep(FULL_S)
            if number % YIELD_EVERY == 0:
                await asyncio.sleep(0)
        await landed

    def _queued(self, producer: Producer, record: Outgoing, on_delivery: Any) -> bool:
        if self._ending:
            raise Unavailable("the outbox was closed while a publish was being handed over")
        topic, partition, key, value, _ = record
        try:
            # confluent-kafka takes no view of bytes that can be written to.
            producer.produce(topic, None if value is None else bytes(value), key, partition, on_delivery, headers=record.pairs())
        except BufferError:
            return False
        return True

    def _started(self) -> Producer:
        if self._producer is None:
            self._producer = Producer({**self._settings, "error_cb": self._on_error})
            self._thread.start()
        return self._producer

    def _poll(self) -> None:
        assert self._producer is not None
        while not self._ending:
            self._producer.poll(POLL_S)

    def _on_error(self, error: KafkaError) -> None:
        """Called on the callback thread. Only a fatal error ends anything: librdkafka retries all others."""
        if error.fatal():
            self._loop.call_soon_threadsafe(self._break, error)
        elif time.monotonic() >= self._warned_s + QUIET_S:
            self._warned_s = time.monotonic()
            log.warning("Kafka: %s; publishing waits and goes on by itself", error.str())

    def _break(self, error: KafkaError) -> None:
        self._broken = RuntimeError(f"the producer cannot go on ({error.str()}): restart, pending records are published again")
        for landed in list(self._waiting):
            landed.set_exception(self._broken)

    async def close(self, wait_s: float) -> None:
        """Wait up to `wait_s` for what is under way; what is not acknowledged then raises Unavailable where it is awaited."""
        if self._waiting:
            await asyncio.wait(list(self._waiting), timeout=wait_s)
        self._ending = True
        for landed in list(self._waiting):
            landed.set_exception(Unavailable("the outbox was closed before Kafka acknowledged"))
        if self._producer is not None:
            self._producer.purge()
            await asyncio.get_running_loop().run_in_executor(None, self._thread.join)


def _countdown(n: int, loop: asyncio.AbstractEventLoop, landed: asyncio.Future[None]) -> Any:
    """A delivery callback for `n` records that resolves `landed` with the last of them, on its loop.

    A callback on the last record alone would need librdkafka's experimental gapless guarantee and saves 4 % of CPU.
    """
    left = n
    failure: KafkaError | None = None

    def on_delivery(error: KafkaError | None, _message: Any) -> None:
        nonlocal left, failure
        left -= 1
        if error is not None:
            failure = error
        if left == 0:
            loop.call_soon_threadsafe(_resolve, landed, failure)

    return on_delivery


def _resolve(landed: asyncio.Future[None], failure: KafkaError | None) -> None:
    if landed.done():
        return
    if failure is None:
        landed.set_result(None)
    else:
        landed.set_exception(RuntimeError(f"Kafka refused a record for good: {failure.str()}"))
