"""The consumer's own thread: fetching, heartbeats and positions, away from the loop that computes.

aiokafka runs here on an event loop of its own, so a busy or hanging main loop costs no heartbeat. Three things differ
from Faust's driver, and each needs a private name of aiokafka 0.14 (pinned; held to tests/contracts/test_transport.py):

1. An assigned partition is *parked* (paused at position 0) until somebody places it. The fetcher never asks Kafka for a
   committed offset, so a group without one does not fail under `auto_offset_reset=none`.
2. Every chunk carries the epoch under which its partition was placed. Placing it again changes the epoch, so a chunk
   that was under way is recognised and dropped.
3. The time at which each acknowledged heartbeat or sync was *sent* is reported: a process that slept may believe that
   it owns partitions, and only a broker's answer to a question asked after waking says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

import msgspec
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import Fetcher, FetchResult
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.errors import ConsumerStoppedError, IllegalStateError, KafkaConnectionError, KafkaError, OffsetOutOfRangeError
from aiokafka.protocol.group import HeartbeatRequest, SyncGroupRequest
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streams.ports import Record

log = logging.getLogger("segue.transport")

FETCH_MIN_BYTES = 1_048_576
"""The broker answers when this much is there or `fetch_wait_ms` has passed: it does the batching. With 1 byte, one record
ends the fetch of all partitions (248 fetches/s at 200 plays/s, p99 at 1,000/s 156 ms instead of 43)."""

BUSY_WAIT_MS = 40
"""`fetch_wait_ms` while records of a topic wait for the worker: it is late anyway, and every fetch that comes back with a few
deltas in between costs a thread hand-over and a walk over all partitions (half of the consumer's CPU at 10 ms). Shorter
than a full round, so its deltas are back before the round after the next."""

CHUNK_RECORDS_MAX = 2_000
"""Most records of one partition in one fetch result: 8 partitions unpack in about 30 ms, so heartbeats stay on time."""

CONNECT_S = 0.5
"""Pause between two attempts to reach a broker at the start."""

WARN_EVERY = 20
"""One line in so many attempts."""

IDLE_S = 1.0
"""Longest wait for data in one call; only then does the caller look at its flags again."""

STALL_S = 60.0
"""Records are there, there is room for them, and none was taken for so long: the client is stuck, start anew. Faust's own
detector compares two different clocks and cannot see it."""

ANSWER_S = 5.0
"""A coordinator that acknowledged nothing for so long is away."""

NEVER_S = 86_400.0 * 365
"""`max_poll_interval`: a worker that waits for Redis for an hour keeps its partitions, as nobody else could do better."""


class FetchedRecord(msgspec.Struct, gc=False):
    """A record as it was fetched: what `streams.ports.Record` asks for and nothing else, made in a third of the time (0.28 us).

    The collector need not look at it: it refers to nothing that could refer back.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


def _record(tp: TopicPartition, read: Any) -> FetchedRecord:
    """Stands where aiokafka makes a `ConsumerRecord`."""
    return FetchedRecord(tp.topic, tp.partition, read.offset, read.timestamp, read.key, read.value, tuple(read.headers))


def _records(result: Any) -> list[Record]:
    """The next records of a partition."""
    if result.has_more():
        result._partition_records._consumer_record = _record
    records: list[Record] = result.getall(CHUNK_RECORDS_MAX)
    return records


class Chunk(NamedTuple):
    """Records of one partition, in offset order, with the epoch under which they were fetched."""

    tp: TP
    epoch: int
    records: list[Record]


class Drained(NamedTuple):
    """What one call took from the fetcher: chunks, and partitions whose position the broker no longer (or not yet) has."""

    chunks: list[Chunk]
    lost: dict[TP, int]


NOTHING = Drained([], {})


class ParkingSubscriptions(SubscriptionState):  # type: ignore[misc]
    """Parks each newly assigned partition before the fetcher can look at it."""

    def assign_from_subscribed(self, assignment: Iterable[TopicPartition]) -> None:
        super().assign_from_subscribed(assignment)
        for tp in self.assigned_partitions():
            self.seek(tp, 0)
            self.pause(tp)


class FetchThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """Faust's consumer thread with parked partitions, epochs and confirmed heartbeats.

    Coroutines named `in_thread_*` run on this thread's loop; call them with `on_thread`.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self._epochs: dict[TP, int] = {}
        self._moved_s = self._answered_s = time.monotonic()
        self._position = 0
        self._wait_ms = 0

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        # Faust hard-codes 1,500 ms and has no setting for the others.
        self._wait_ms = consumer._fetch_max_wait_ms = transport.fetch_wait_ms
        consumer._fetch_min_bytes = FETCH_MIN_BYTES
        consumer._isolation_level = "read_committed"
        consumer._max_poll_interval_ms = int(NEVER_S * 1000)
        consumer._subscription = ParkingSubscriptions(loop=self.thread_loop)
        return consumer

    async def on_start(self) -> None:
        """Connect (waits for a broker), and from then on report what the group coordinator acknowledges."""
        attempts = 0
        while not await self._connected(attempts):
            attempts += 1
            await self.sleep(CONNECT_S)
            if self.should_stop:
                return
        coordinator = self._ensure_consumer()._coordinator
        send = coordinator._send_req

        async def observed(request: Any) -> Any:
            sent_s = time.monotonic()
            answer = await send(request)
            if isinstance(request, HeartbeatRequest | SyncGroupRequest) and answer.error_code == 0:
                self._answered_s = time.monotonic()
                # The last heartbeat of a process may come after its main loop has ended.
                with contextlib.suppress(RuntimeError):
                    self.parent_loop.call_soon_threadsafe(self.consumer.on_confirmed, sent_s)
            return answer

        coordinator._send_req = observed

    async def _connected(self, attempts: int) -> bool:
        try:
            await super().on_start()
        except KafkaConnectionError as error:
            if attempts % WARN_EVERY == 0:
                log.warning("no Kafka there (%s); trying again every %s s", error, CONNECT_S)
            await self._ensure_consumer().stop()
            return False
        return True

    async def on_thread_stop(self) -> None:
        """Leave the group when the process ends in order, so that others take over at once.

        aiokafka keeps a static member in the group until its session times out: right for one that crashed and is back
        in a second, six idle seconds for the partitions of one that was told to stop.
        """
        if self._consumer is not None and self._consumer._coordinator is not None and not self.app.crashed:
            self._consumer._coordinator._group_instance_id = None
        await super().on_thread_stop()

    async def on_thread(self, call: Any) -> Any:
        """Run a coroutine on this thread's loop and wait for it.

        Faust's own queue of calls costs three tasks a call and has two workers: a slow commit would hold up a seek.
        """
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(call, self.thread_loop))

    async def in_thread_drain(self, skipped: Collection[str]) -> Drained:
        """All fetched chunks of topics not in `skipped`; waits up to IDLE_S for the first.

        Raises what the coordinator or the fetcher died of: a consumer that looks alive but fetches nothing is worse.
        """
        consumer = self._ensure_consumer()
        fetcher, coordinator = consumer._fetcher, consumer._coordinator
        if consumer._closed or fetcher._closed:
            raise ConsumerStoppedError()
        coordinator.check_errors()
        if fetcher.error_future.done():
            fetcher.error_future.result()
        # The fetcher reads it for each request: back to the short wait with the first look that skips nothing.
        fetcher._fetch_max_wait_ms = max(self._wait_ms, BUSY_WAIT_MS) if skipped else self._wait_ms
        drained = self._take(fetcher, skipped)
        if drained.chunks or drained.lost:
            self._moved_s = time.monotonic()
            return drained
        self._watch(skipped)
        waiter = fetcher._create_fetch_waiter()
        await asyncio.wait([waiter], timeout=IDLE_S)
        if not waiter.done():
            waiter.cancel()
            return NOTHING
        waiter.result()
        return self._take(fetcher, skipped)

    def _watch(self, skipped: Collection[str]) -> None:
        """Raises RuntimeError when records wait, the group's coordinator answers, and no position has moved for STALL_S.

        A broker that is away answers no heartbeat either, and is waited for; a run of aborted records moves positions.
        """
        subscriptions = self._ensure_consumer()._subscription
        states = [subscriptions._assigned_state(found) for found in subscriptions.assigned_partitions() if found.topic not in skipped]
        reading = [state for state in states if not state.paused]
        behind = any(state.lso is not None and state.lso > state.position for state in reading)
        position, now_s = sum(state.position for state in reading), time.monotonic()
        if not behind or position != self._position or now_s > self._answered_s + ANSWER_S:
            self._position, self._moved_s = position, now_s
        elif now_s > self._moved_s + STALL_S:
            raise RuntimeError(f"records wait on the broker and none came for {STALL_S:.0f} s: the Kafka client is stuck")

    def _take(self, fetcher: Fetcher, skipped: Collection[str]) -> Drained:
        chunks: list[Chunk] = []
        lost: dict[TP, int] = {}
        for found in list(fetcher._records):
            tp = TP(found.topic, found.partition)
            if tp.topic in skipped:
                continue
            result = fetcher._records[found]
            if type(result) is FetchResult:
                records = _records(result)
                if records and tp in self._epochs:
                    chunks.append(Chunk(tp, self._epochs[tp], records))
                if result.has_more():
                    continue
            else:
                lost[tp] = self._lost_position(found, result)
            del fetcher._records[found]
        # Tells the fetcher that there is room for the next fetch.
        fetcher._notify(fetcher._wait_consume_future)
        return Drained(chunks, lost)

    def _lost_position(self, found: TopicPartition, error: Any) -> int:
        """The position that the broker refused; the partition is parked. Any other fetch error is raised."""
        try:
            error.check_raise()
        except OffsetOutOfRangeError:
            state = self._ensure_consumer()._subscription._assigned_state(found)
            state.pause()
            return int(state.position)
        raise AssertionError("check_raise raises")

    async def in_thread_place(self, positions: Mapping[TP, tuple[int, int]]) -> set[TP]:
        """Seek partitions to {tp: (offset, epoch)}, drop what was fetched of them and read on from there.

        Returns those placed; one that was revoked meanwhile is left out.
        """
        fetcher = self._ensure_consumer()._fetcher
        placed = set()
        for tp, (offset, epoch) in positions.items():
            found = TopicPartition(tp.topic, tp.partition)
            try:
                fetcher.seek_to(found, offset)
                fetcher._subscriptions.resume(found)
            except IllegalStateError:
                continue
            self._epochs[tp] = epoch
            placed.add(tp)
        return placed

    async def in_thread_commit(self, positions: Mapping[TP, int]) -> None:
        """Tell Kafka positions of partitions that are still ours. Raises KafkaError."""
        consumer = self._ensure_consumer()
        owned = consumer.assignment()
        offsets = {
            TopicPartition(tp.topic, tp.partition): OffsetAndMetadata(offset, "")
            for tp, offset in positions.items()
            if TopicPartition(tp.topic, tp.partition) in owned
        }
        if offsets:
            await consumer.commit(offsets)

    async def in_thread_bounds(self, tps: Collection[TP]) -> dict[TP, tuple[int, int]]:
        """First offset and end of what may be read (below open transactions) of each partition. Raises KafkaError."""
        consumer = self._ensure_consumer()
        wanted = {TopicPartition(tp.topic, tp.partition): tp for tp in tps}
        first = await consumer.beginning_offsets(list(wanted))
        end = await consumer.end_offsets(list(wanted))
        return {tp: (first[found], end[found]) for found, tp in wanted.items()}

    def ends(self) -> dict[TP, int]:
        """End of what may be read of each assigned partition, as the last fetch saw it; a plain read from any thread."""
        consumer = self._ensure_consumer()
        seen = {TP(found.topic, found.partition): consumer.last_stable_offset(found) for found in consumer.assignment()}
        return {tp: end for tp, end in seen.items() if end is not None}


__all__ = ["Chunk", "Drained", "FetchThread", "KafkaError"]
