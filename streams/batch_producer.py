"""Publishes as batches made here: all partitions in one ProduceRequest per broker, on the running loop and without a thread."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, KafkaTimeoutError, UnknownTopicOrPartitionError

from streams.clock import SystemClock
from streams.one_copy import send_with_one_copy
from streams.ports import Outgoing, Unavailable
from streams.record_batch import record_batches

log = logging.getLogger("segue.outbox")

BATCH_BYTES = 1_000_000
"""Room in one batch; below Kafka's default message.max.bytes of 1,048,588, which counts the batch."""

RECORD_BYTES_MAX = 900_000
"""Leaves room for key, headers and the batch's own header."""

RETRY_S = 0.5

END_S = 1.0

_TP = attrgetter("topic", "partition")


class BatchProducer:
    """Publishes batches of `streams/record_batch.py` through aiokafka. No single record may be larger than RECORD_BYTES_MAX."""

    def __init__(self, bootstrap: str, client_id: str, *, request_timeout_ms: int = 10_000) -> None:
        self._bootstrap = bootstrap
        self._client_id = client_id
        self._clock = SystemClock()
        self._request_timeout_ms = request_timeout_ms
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()
        self._topics: set[str] = set()
        self._under_way: set[asyncio.Task[None]] = set()
        self._ending = False

    async def publish(self, records: Sequence[Outgoing]) -> None:
        """Append `records` in order; returns when each is acknowledged.

        Raises
        ------
        Unavailable
            When it is closed meanwhile.
        aiokafka.errors.KafkaError
            When the broker refuses for good, or the producer lost its sequence: the process must start anew.
        """
        if self._ending:
            raise Unavailable("the outbox is closed")
        task = asyncio.get_running_loop().create_task(self._publish(records))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            if self._ending and task.cancelled():
                raise Unavailable("the outbox was closed before Kafka acknowledged") from None
            raise

    async def _publish(self, records: Sequence[Outgoing]) -> None:
        producer = await self._started()
        by_partition: dict[tuple[str, int], list[Outgoing]] = {}
        for tp, run in groupby(records, _TP):
            by_partition.setdefault(tp, []).extend(run)
        for topic in {topic for topic, _ in by_partition} - self._topics:
            await self._known(producer, topic)
        sent = await asyncio.gather(*(self._append(producer, *tp, part) for tp, part in by_partition.items()))
        await asyncio.gather(*(landed for part in sent for landed in part))

    async def _append(self, producer: AIOKafkaProducer, topic: str, partition: int, records: list[Outgoing]) -> list[Any]:
        """Hand a partition's records over, batch after batch; their acknowledgements are still to come."""
        landed = []
        for batch in record_batches(records, self._clock.now_ms(), BATCH_BYTES):
            while True:
                try:
                    landed.append(await producer.send_batch(batch, topic, partition=partition))
                except KafkaTimeoutError:
                    # The batch before has not left, the broker is away; this one was not taken.
                    continue
                break
        return landed

    async def _started(self) -> AIOKafkaProducer:
        async with self._starting:
            while self._producer is None:
                producer = AIOKafkaProducer(
                    bootstrap_servers=self._bootstrap,
                    client_id=self._client_id,
                    acks="all",
                    enable_idempotence=True,
                    max_batch_size=BATCH_BYTES,
                    max_request_size=2 * BATCH_BYTES,
                    request_timeout_ms=self._request_timeout_ms,
                )
                # A batch whose partition has no leader expires after request_timeout_ms *and takes its sequence number
                # with it*: the next one would be out of order, which is fatal. Ours wait for ever.
                producer._message_accumulator._batch_ttl = math.inf
                send_with_one_copy(producer)
                try:
                    await producer.start()
                except KafkaConnectionError as error:
                    log.warning("no broker at %s (%s); trying again", self._bootstrap, error)
                    await producer.stop()
                    await asyncio.sleep(RETRY_S)
                else:
                    self._producer = producer
        return self._producer

    async def _known(self, producer: AIOKafkaProducer, topic: str) -> None:
        """Wait until the cluster knows `topic`, before anything of the publish is sent."""
        while True:
            try:
                await producer.partitions_for(topic)
            except (UnknownTopicOrPartitionError, KafkaTimeoutError) as error:
                log.warning("Kafka does not know topic %s (%r); waiting for it", topic, error)
                await asyncio.sleep(RETRY_S)
            else:
                self._topics.add(topic)
                return

    async def close(self, wait_s: float) -> None:
        """Wait up to `wait_s` for what is under way; what is not acknowledged then raises Unavailable where it is awaited."""
        if self._under_way:
            await asyncio.wait(list(self._under_way), timeout=wait_s)
        self._ending = True
        if self._producer is not None:
            await self._end(self._producer)
        for task in list(self._under_way):
            task.cancel()

    async def _end(self, producer: AIOKafkaProducer) -> None:
        """Stop the producer. One whose broker is away would flush for ever, so it is taken apart first."""
        if self._under_way:
            sender = producer._sender.sender_task
            # Once for its loop, and once for the request in which its first cancellation waits.
            for _ in range(2):
                sender.cancel()
                await producer.client.close()
                await asyncio.wait([sender], timeout=END_S / 2)
            producer._message_accumulator.fail_all(Unavailable("the outbox was closed before Kafka acknowledged"))
        try:
            await asyncio.wait_for(producer.stop(), END_S)
        except TimeoutError:
            log.warning("the producer did not stop within %s s", END_S)
