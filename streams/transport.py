"""The Faust transport `chunk://`: one Faust event is one fetch result of one topic, and our cursors decide where to read.

Stock Faust costs 150-250 us of CPU per record, keeps offsets of its own that lose and repeat records, and asks Kafka
where to read. Here an event carries every record that a fetch found in a topic, grouped by partition; nothing is
acknowledged, and the position comes from `Owner.claim`. The life of a partition:

1. assigned: it is parked, the fetcher does not look at it (streams/fetching.py);
2. `Owner.claim` answers where to read; it is placed there under a new epoch and fetching starts;
3. its chunks are delivered while their epoch is the current one, so nothing fetched before a seek arrives after it;
4. revoked, or the process stops: the epoch changes, `Owner.revoked` may finish what it has begun, for QUIESCE_S at most.

Back-pressure: while FETCHES_WAITING_MAX fetch results of a topic are not finished, nothing more of it is taken.

Private names of Faust 0.15.3 (pinned) are used; tests/contracts/test_transport.py holds them to their word.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Coroutine, Mapping, Sequence
from typing import Any, Protocol

from aiokafka.errors import ConsumerStoppedError
from faust.serializers.codecs import Codec, register
from faust.tables.manager import TableManager
from faust.transport.drivers import TRANSPORTS
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from streams.fetching import Chunk, FetchThread, KafkaError
from streams.ports import Record

log = logging.getLogger("segue.transport")

QUIESCE_S = 2.0
"""How long a revocation waits for a round under way: well below Kafka's rebalance timeout of 10 s."""

FETCHES_WAITING_MAX = 2
"""One in the agent's hands and one ready for it; more would only be memory."""

COMMIT_S = 5.0
"""Positions are told to Kafka for lag tools only: give up on a slow coordinator."""

RETRY_S = 0.5


class Owner(Protocol):
    """The core, as the transport sees it: `app.segue`."""

    async def claim(self, tps: set[TP]) -> dict[TP, int]:
        """Where to read each assigned partition; one that is left out stays parked until `reposition`.

        Runs beside heartbeats and may take long. It is cancelled when the partitions are revoked meanwhile.
        """
        ...

    async def revoked(self, tps: set[TP]) -> None:
        """The partitions are going, or the process stops: finish what has begun. Cancelled after QUIESCE_S."""
        ...

    async def receive(self, topic: str, chunks: dict[int, list[Record]]) -> None:
        """Records by partition, in offset order and without repetition since the last placement. Awaiting is back-pressure."""
        ...


class Reader(Protocol):
    """The transport, as the core sees it: `app.consumer`."""

    async def reposition(self, tp: TP, offset: int) -> bool: ...

    async def confirmed_member(self) -> None: ...

    async def publish_positions(self, positions: Mapping[TP, int]) -> None: ...

    async def bounds(self, tps: Collection[TP]) -> dict[TP, tuple[int, int]]: ...

    def ends(self) -> dict[TP, int]: ...


class Fetched:
    """What one fetch found in one topic: the value of a Faust event."""

    __slots__ = ("_chunks", "_consumer", "_turn", "topic")

    def __init__(self, consumer: ChunkConsumer, topic: str, chunks: Sequence[Chunk]) -> None:
        self.topic = topic
        self._chunks = chunks
        self._consumer = consumer
        self._turn = consumer.turn

    def current(self) -> dict[int, list[Record]]:
        """Records by partition, without partitions that were placed anew or revoked since they were fetched."""
        epochs = self._consumer.epochs
        return {chunk.tp.partition: chunk.records for chunk in self._chunks if epochs[chunk.tp] == chunk.epoch}

    def finished(self) -> None:
        """The agent is done with it: room for another."""
        self._consumer.on_finished(self.topic, self._turn)


class ChunkConsumer(driver.Consumer):  # type: ignore[misc]
    """Faust's consumer without its offsets: fetches, delivers, and asks the owner where to read."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.epochs: defaultdict[TP, int] = defaultdict(int)
        self.turn = 0
        self._claimed: set[TP] = set()
        self._claims: set[asyncio.Task[None]] = set()
        self._waiting: Counter[str] = Counter()
        self._room = asyncio.Event()
        self._confirmed: dict[asyncio.Future[None], float] = {}
        super().__init__(*args, **kwargs)

    def _new_consumer_thread(self) -> FetchThread:
        return FetchThread(self, loop=self.loop, beacon=self.beacon)

    # Positions ---------------------------------------------------------------------------------------------------------

    async def reposition(self, tp: TP, offset: int) -> bool:
        """Read `tp` from `offset` on; nothing fetched earlier is delivered afterwards. False when it is no longer ours."""
        return tp in await self._place({tp: offset})

    async def _place(self, offsets: Mapping[TP, int]) -> set[TP]:
        positions = {}
        for tp, offset in offsets.items():
            self.epochs[tp] += 1
            positions[tp] = (offset, self.epochs[tp])
        placed: set[TP] = await self._thread.on_thread(self._thread.in_thread_place(positions))
        return placed

    async def bounds(self, tps: Collection[TP]) -> dict[TP, tuple[int, int]]:
        """{tp: (first offset kept, end of what may be read)}; waits while the broker is away."""
        while True:
            try:
                found: dict[TP, tuple[int, int]] = await self._thread.on_thread(self._thread.in_thread_bounds(tps))
                return found
            except KafkaError as error:
                if not error.retriable:
                    raise
                log.warning("the ends of %d partitions are not known yet (%r); asking again", len(tps), error)
                await asyncio.sleep(RETRY_S)

    def ends(self) -> dict[TP, int]:
        """End of what may be read of each assigned partition, as the last fetch saw it (for lag)."""
        found: dict[TP, int] = self._thread.ends()
        return found

    async def publish_positions(self, positions: Mapping[TP, int]) -> None:
        """Tell Kafka how far we are, for lag tools. Best effort: they never decide where to read."""
        if not positions:
            # An owner without partitions may be stopping, and this thread's loop be closed already.
            return
        try:
            await asyncio.wait_for(self._thread.on_thread(self._thread.in_thread_commit(positions)), COMMIT_S)
        except (KafkaError, TimeoutError) as error:
            log.info("positions of %d partitions were not told to Kafka (%r); only lag tools notice", len(positions), error)

    # Membership --------------------------------------------------------------------------------------------------------

    async def confirmed_member(self) -> None:
        """Returns once Kafka has acknowledged a heartbeat or a join of ours that was sent after this call.

        A process that slept believes it owns what others own by now; after this it does not.
        """
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._confirmed[waiter] = time.monotonic()
        try:
            await waiter
        finally:
            del self._confirmed[waiter]

    def on_confirmed(self, sent_s: float) -> None:
        """Something sent at `sent_s` (monotonic) was acknowledged by the group's coordinator."""
        for waiter, asked_s in self._confirmed.items():
            if sent_s >= asked_s and not waiter.done():
                waiter.set_result(None)

    # Assignment --------------------------------------------------------------------------------------------------------

    def begin_claim(self, assigned: set[TP], generation: int) -> None:
        """Claim in a task of its own: the group coordinator sends no heartbeat before the assignment callback returns."""
        self._claimed = set(assigned)
        self._start(self._take_over(set(assigned), generation))

    def _start(self, claim: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(claim)
        self._claims.add(task)
        task.add_done_callback(self._claims.discard)
        # A failed claim must end the process, as a failed task of the service does; a cancelled one must not.
        self.add_future(_result_of(task))

    async def _take_over(self, assigned: set[TP], generation: int) -> None:
        app = self.app
        offsets = await app.segue.claim(assigned) if assigned else {}
        if app.consumer_generation_id != generation:
            return
        placed = await self._place(offsets)
        # Shielded: a revocation that cancels us here must not leave a fetcher that is started but does not run.
        await asyncio.shield(app._fetcher.maybe_start())
        log.info("reading %d of %d assigned partitions", len(placed), len(assigned))
        self._new_turn()
        app.flow_control.resume()
        self.resume_flow()
        app.on_rebalance_end()

    async def _claim_again(self, lost: Mapping[TP, int]) -> None:
        """The broker has no such position (retention passed it, or the log is shorter): the owner decides, as at a claim."""
        for tp, offset in lost.items():
            log.warning("%s-%d has no offset %d (any more, or yet); claiming it again", tp.topic, tp.partition, offset)
        turn = self.turn
        await self.confirmed_member()
        offsets = await self.app.segue.claim(set(lost))
        if turn == self.turn:
            await self._place(offsets)

    async def wait_empty(self) -> None:
        """Before partitions go and before the process stops: the owner finishes what it has begun, within QUIESCE_S.

        Stock Faust waits here without limit for every event that some frame still holds.
        """
        for claim in list(self._claims):
            claim.cancel()
        if self._claims:
            await asyncio.wait(self._claims, timeout=QUIESCE_S)
        leaving, self._claimed = self._claimed, set()
        for tp in leaving:
            self.epochs[tp] += 1
        self._new_turn()
        if not leaving:
            return
        try:
            await asyncio.wait_for(self.app.segue.revoked(leaving), QUIESCE_S)
        except TimeoutError:
            log.warning("%d partitions go before their round ended (waited %s s); the next owner redoes it", len(leaving), QUIESCE_S)

    def _new_turn(self) -> None:
        """Fetch results delivered before now no longer count as waiting: Faust drops them without a word."""
        self.turn += 1
        self._waiting.clear()
        self._room.set()

    # Delivery ----------------------------------------------------------------------------------------------------------

    async def _drain_messages(self, fetcher: Any) -> None:
        """Faust's fetcher service runs this: take what was fetched, deliver it, for ever."""
        try:
            while not (self.should_stop or fetcher.should_stop):
                if not self.flow_active:
                    await self.wait(self.can_resume_flow)
                else:
                    await self._deliver_some(self._without_room())
        except (ConsumerStoppedError, asyncio.CancelledError):
            if not self.app.should_stop:
                raise

    def _without_room(self) -> set[str]:
        return {topic for topic, n in self._waiting.items() if n >= FETCHES_WAITING_MAX}

    async def _deliver_some(self, skipped: Collection[str]) -> None:
        if len(skipped) >= len({tp.topic for tp in self._claimed}):
            self._room.clear()
            await self.wait(self._room, timeout=1.0)
            return
        drained = await self._thread.on_thread(self._thread.in_thread_drain(skipped))
        if drained.lost:
            self._start(self._claim_again(drained.lost))
        by_topic: defaultdict[str, list[Chunk]] = defaultdict(list)
        for chunk in drained.chunks:
            if self.epochs[chunk.tp] == chunk.epoch:
                by_topic[chunk.tp.topic].append(chunk)
        for topic, chunks in by_topic.items():
            if not self.flow_active:
                return
            self._waiting[topic] += 1
            await self.callback(self._message(Fetched(self, topic, chunks), chunks[-1]))

    def _message(self, fetched: Fetched, last: Chunk) -> Any:
        """Faust's message; it is routed by the partition of its last chunk and skipped after a rebalance."""
        record = last.records[-1]
        stamp_s = record.timestamp / 1000.0
        generation = self.app.consumer_generation_id
        return ConsumerMessage(
            fetched.topic, last.tp.partition, record.offset, stamp_s, 0, (), None, fetched, None, 0, 0, last.tp, generation_id=generation
        )

    def on_finished(self, topic: str, turn: int) -> None:
        """An agent is done with one fetch result of `topic`; results from before a rebalance no longer count."""
        if turn == self.turn:
            self._waiting[topic] -= 1
            self._room.set()

    # What Faust would do with offsets ----------------------------------------------------------------------------------

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Nothing is acknowledged to Faust: see `publish_positions`."""
        return False

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Kafka's committed offsets never decide; positions are set by claims."""
        return {}

    async def verify_all_partitions_active(self) -> None:
        """Faust's detector compares two clocks and cries about idle partitions."""


async def _result_of(task: asyncio.Task[None]) -> None:
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()


class Transport(driver.Transport):  # type: ignore[misc]
    """`chunk://host:port`; `fetch_wait_ms` is set by streams/faust_app.py."""

    Consumer = ChunkConsumer
    fetch_wait_ms = 10


class Tableless(TableManager):  # type: ignore[misc]
    """Stands where Faust keeps tables: starts claims instead of recovering them.

    Faust's recovery gives a seek `broker_request_timeout` and, when that passes, ends its task without a word: the
    worker would sit there for ever after Redis was away for 90 s. It also costs a second at every start.
    """

    async def on_start(self) -> None:
        self._tables_finalized.set()
        self._tables_registered.set()

    def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """No buffers to flush."""

    async def on_rebalance(self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0) -> None:
        self.app.consumer.begin_claim(assigned, generation_id)

    async def wait_until_recovery_completed(self) -> bool:
        return False


class Untouched(Codec):  # type: ignore[misc]
    """Hands a `Fetched` through Faust's decoding as it is."""

    def _loads(self, s: Any) -> Any:
        return s

    def _dumps(self, s: Any) -> Any:
        return s


FETCHED_CODEC = "segue-fetched"
register(FETCHED_CODEC, Untouched())
TRANSPORTS.aliases["chunk"] = "streams.transport:Transport"
