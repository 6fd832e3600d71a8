"""What the transport promises, on a real broker: it uses private names of Faust and aiokafka, and these tests hold them to it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from faust.types import TP

from infra.kafka_process import LocalKafka
from infra.settings import Settings
from streams import fetching
from streams.faust_app import SegueApp, build_app
from streams.transport import FETCHES_WAITING_MAX
from tests.contracts.kafka_tools import create_topics, delete_before, eventually, group_offsets, produce, producer, transaction
from tests.contracts.owners import MemoryOwner

Start = Callable[..., Awaitable[MemoryOwner]]


@asynccontextmanager
async def running(kafka: str, namespace: str, topics: list[str], owner: MemoryOwner, **settings: Any) -> AsyncIterator[SegueApp]:
    chosen: dict[str, Any] = {"session_timeout_ms": 3000, "heartbeat_ms": 300, **settings}
    app = build_app(Settings(namespace=namespace, kafka=kafka, **chosen), group="plays", topics=topics, segue=owner)
    owner.app = app
    await app.start()
    try:
        yield app
    finally:
        owner.gate.set()
        await app.stop()


@pytest.fixture
async def start(kafka_address: str, namespace: str) -> AsyncIterator[Start]:
    """Starts an app on the topics of a test; ends it afterwards."""
    async with AsyncExitStack() as stack:

        async def begin(*topics: str, owner: MemoryOwner | None = None, **settings: Any) -> MemoryOwner:
            owner = owner or MemoryOwner()
            await stack.enter_async_context(running(kafka_address, namespace, list(topics), owner, **settings))
            return owner

        yield begin


@pytest.fixture
def topic(kafka_address: str, namespace: str) -> str:
    """A topic of four partitions."""
    name = f"{namespace}.events"
    create_topics(kafka_address, {name: 4})
    return name


def numbered(n: int, size: int = 10) -> list[bytes]:
    return [b"%0*d" % (size, i) for i in range(n)]


class TestDelivery:
    async def test_a_first_start_with_nothing_reads_from_where_the_owner_says(self, kafka_address: str, topic: str, start: Start) -> None:
        produce(kafka_address, topic, numbered(40), partitions=4)
        owner = await start(topic)
        await eventually(lambda: owner.count(topic) == 40)
        assert owner.claims == [{TP(topic, p) for p in range(4)}]
        assert owner.values(topic, 1) == numbered(40)[1::4]
        produce(kafka_address, topic, numbered(4), partitions=4)
        await eventually(lambda: owner.count(topic) == 44)

    async def test_a_worker_leaves_nothing_in_the_folder_it_runs_in(
        self, kafka_address: str, topic: str, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Faust makes folders for its tables on the first start, also without tables."""
        monkeypatch.chdir(tmp_path)
        produce(kafka_address, topic, numbered(4), partitions=4)
        owner = await start(topic)
        await eventually(lambda: owner.count(topic) == 4)
        assert list(tmp_path.iterdir()) == []

    async def test_one_event_carries_a_whole_fetch_of_all_partitions(self, kafka_address: str, topic: str, start: Start) -> None:
        produce(kafka_address, topic, numbered(2000), partitions=4)
        owner = await start(topic)
        await eventually(lambda: owner.count(topic) == 2000)
        assert len(owner.calls) <= 4, owner.calls
        assert max(len(call) for call in owner.calls) == 4

    @pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
    async def test_batches_of_every_codec_arrive(self, kafka_address: str, topic: str, start: Start, codec: str) -> None:
        produce(kafka_address, topic, numbered(300, 500), compression_type=codec)
        owner = await start(topic)
        await eventually(lambda: owner.count(topic) == 300)
        assert owner.values(topic) == numbered(300, 500)
        record = owner.seen[TP(topic, 0)][7]
        assert (record.topic, record.partition, record.offset, record.key, list(record.headers)) == (topic, 0, 7, b"k", [("n", b"7")])

    async def test_a_tombstone_and_an_empty_key_arrive_as_they_are(self, kafka_address: str, topic: str, start: Start) -> None:
        to = producer(kafka_address)
        to.produce(topic, None, b"ana", 0)
        to.produce(topic, b"v", None, 0)
        to.flush(30)
        owner = await start(topic)
        await eventually(lambda: owner.count(topic) == 2)
        assert [(record.key, record.value) for record in owner.seen[TP(topic, 0)]] == [(b"ana", None), (None, b"v")]

    async def test_the_append_time_of_the_broker_is_the_records_time(self, kafka_address: str, namespace: str, start: Start) -> None:
        name = f"{namespace}.stamped"
        create_topics(kafka_address, {name: 1}, {"message.timestamp.type": "LogAppendTime"})
        to = producer(kafka_address)
        before_ms = time.time() * 1000  # noqa: TID251
        for i in range(5):
            to.produce(name, b"v", b"k", 0, timestamp=1_000_000_000_000 + i)
        to.flush(30)
        after_ms = time.time() * 1000  # noqa: TID251
        owner = await start(name)
        await eventually(lambda: owner.count(name) == 5)
        assert all(before_ms - 1 <= record.timestamp <= after_ms + 1 for record in owner.seen[TP(name, 0)])

    async def test_topics_are_delivered_apart(self, kafka_address: str, topic: str, namespace: str, start: Start) -> None:
        other = f"{namespace}.deltas"
        create_topics(kafka_address, {other: 2})
        produce(kafka_address, topic, numbered(10))
        produce(kafka_address, other, numbered(7))
        owner = await start(topic, other)
        await eventually(lambda: (owner.count(topic), owner.count(other)) == (10, 7))


class TestTransactions:
    async def test_aborted_records_are_never_delivered_and_markers_are_no_gaps(self, kafka_address: str, topic: str, start: Start) -> None:
        to = producer(kafka_address, transactional_id=f"{topic}-a")
        to.init_transactions(30)
        transaction(to, topic, [b"a", b"b"], commit=True)
        transaction(to, topic, [b"x", b"y", b"z"], commit=False)
        transaction(to, topic, [b"c"], commit=True)
        owner = await start(topic)
        await eventually(lambda: owner.count(topic) == 3)
        transaction(to, topic, [b"w"], commit=False)
        transaction(to, topic, [b"d"], commit=True)
        await eventually(lambda: owner.count(topic) == 4)
        assert owner.values(topic) == [b"a", b"b", b"c", b"d"]

    async def test_an_open_transaction_holds_up_what_is_behind_it(self, kafka_address: str, topic: str, start: Start) -> None:
        owner = await start(topic)
        to = producer(kafka_address, transactional_id=f"{topic}-b")
        to.init_transactions(30)
        to.begin_transaction()
        to.produce(topic, b"open", b"k", 0)
        to.flush(30)
        produce(kafka_address, topic, [b"behind"])
        await asyncio.sleep(0.5)
        assert owner.values(topic) == []
        assert owner.app is not None
        assert await owner.app.consumer.bounds({TP(topic, 0)}) == {TP(topic, 0): (0, 0)}
        to.commit_transaction(30)
        await eventually(lambda: owner.values(topic) == [b"open", b"behind"])


class TestPositions:
    async def test_a_partition_is_read_again_from_where_it_is_placed(self, kafka_address: str, topic: str, start: Start) -> None:
        """Back and forth while fetch results are under way: nothing fetched before a seek arrives after it."""
        produce(kafka_address, topic, numbered(6000, 300))
        owner = await start(topic)
        tp = TP(topic, 0)
        await eventually(lambda: owner.count(topic) >= 2000)
        for target in (0, 1500, 10, 5990, 0):
            owner.gate.clear()
            await eventually(lambda: owner.inside == 1 or owner.next[tp] == 6000)
            await asyncio.sleep(0.05)
            assert await owner.move(tp, target)
            owner.gate.set()
            await eventually(lambda: owner.next[tp] == 6000)
            assert owner.seen[tp][0].offset == target
            assert len(owner.seen[tp]) == 6000 - target

    async def test_a_partition_left_out_of_a_claim_is_parked_until_it_is_placed(self, kafka_address: str, topic: str, start: Start) -> None:
        produce(kafka_address, topic, numbered(40), partitions=4)
        owner = MemoryOwner()
        owner.left_out = {TP(topic, 2)}
        await start(topic, owner=owner)
        await eventually(lambda: owner.count(topic) == 30)
        await asyncio.sleep(0.3)
        assert owner.values(topic, 2) == []
        assert owner.app is not None and await owner.app.consumer.reposition(TP(topic, 2), 5)
        owner.next[TP(topic, 2)] = 5
        await eventually(lambda: len(owner.values(topic, 2)) == 5)

    async def test_placing_a_partition_that_is_not_ours_says_so(self, topic: str, start: Start) -> None:
        owner = await start(topic)
        await eventually(lambda: bool(owner.claims))
        assert owner.app is not None
        assert not await owner.app.consumer.reposition(TP(topic, 77), 0)

    async def test_a_position_that_retention_passed_is_claimed_again(self, kafka_address: str, topic: str, start: Start) -> None:
        produce(kafka_address, topic, numbered(20))
        delete_before(kafka_address, topic, 0, 10)
        owner = MemoryOwner()
        tp = TP(topic, 0)
        owner.start = {tp: 3}
        await start(topic, owner=owner)
        await eventually(lambda: len(owner.claims) >= 2)
        owner.left_out = {tp}
        assert owner.claims[1] == {tp}
        assert owner.app is not None and await owner.app.consumer.bounds({tp}) == {tp: (10, 20)}
        # Left out now, it is parked: the fetcher does not go on asking for what is not there.
        await asyncio.sleep(1.0)
        asked = len(owner.claims)
        await asyncio.sleep(1.5)
        assert len(owner.claims) == asked
        owner.next[tp] = 10
        assert await owner.app.consumer.reposition(tp, 10)
        await eventually(lambda: owner.count(topic) == 10)

    async def test_positions_are_told_to_kafka_for_lag_tools(self, kafka_address: str, namespace: str, topic: str, start: Start) -> None:
        produce(kafka_address, topic, numbered(8), partitions=4)
        owner = await start(topic)
        await eventually(lambda: owner.count(topic) == 8)
        assert owner.app is not None
        await owner.app.consumer.publish_positions({**owner.next, TP(topic, 99): 5})
        assert group_offsets(kafka_address, f"{namespace}.plays", topic, 4) == {0: 2, 1: 2, 2: 2, 3: 2}
        assert owner.app.consumer.ends() == {TP(topic, p): 2 for p in range(4)}

    async def test_what_kafka_has_committed_never_decides(self, kafka_address: str, topic: str, start: Start, namespace: str) -> None:
        produce(kafka_address, topic, numbered(10))
        owner = MemoryOwner()
        async with running(kafka_address, namespace, [topic], owner) as app:
            await eventually(lambda: owner.count(topic) == 10)
            await app.consumer.publish_positions({TP(topic, 0): 10})
        second = await start(topic)
        await eventually(lambda: second.count(topic) == 10)


class TestBackPressure:
    async def test_a_slow_agent_stops_fetching_but_not_heartbeats(self, kafka_address: str, topic: str, start: Start) -> None:
        produce(kafka_address, topic, numbered(60_000, 200), partitions=4)
        owner = MemoryOwner()
        owner.gate.clear()
        await start(topic, owner=owner, session_timeout_ms=1500)
        assert owner.app is not None
        consumer = owner.app.consumer
        await eventually(lambda: owner.inside == 1)
        started_s = time.monotonic()
        while time.monotonic() < started_s + 4.0:
            assert consumer._waiting[topic] <= FETCHES_WAITING_MAX
            await asyncio.sleep(0.05)
        assert len(owner.claims) == 1, "the member lost its partitions while it was slow"
        owner.gate.set()
        await eventually(lambda: owner.count(topic) == 60_000)
        assert len(owner.claims) == 1
        for partition in range(4):
            assert owner.values(topic, partition) == numbered(60_000, 200)[partition::4]

    async def test_a_slow_topic_does_not_hold_up_another(self, kafka_address: str, topic: str, namespace: str, start: Start) -> None:
        quick = f"{namespace}.quick"
        create_topics(kafka_address, {quick: 1})
        produce(kafka_address, topic, numbered(30_000, 200), partitions=4)
        owner = MemoryOwner()
        owner.shut_topics = {topic}
        owner.gate.clear()
        await start(topic, quick, owner=owner)
        await eventually(lambda: owner.inside == 1)
        for n in range(1, 4):
            produce(kafka_address, quick, [b"now"])
            asked_s = time.monotonic()
            await eventually(lambda n=n: owner.count(quick) == n)  # type: ignore[misc]
            assert time.monotonic() - asked_s < 2.0
        owner.gate.set()
        await eventually(lambda: owner.count(topic) == 30_000)

    async def test_the_broker_gathers_for_longer_while_records_wait_for_us_and_no_longer(
        self, kafka_address: str, topic: str, namespace: str, start: Start
    ) -> None:
        quick = f"{namespace}.quick"
        create_topics(kafka_address, {quick: 1})
        owner = MemoryOwner()
        owner.shut_topics = {topic}
        await start(topic, quick, owner=owner)
        assert owner.app is not None

        def wait_ms() -> int:
            assert owner.app is not None
            return int(owner.app.consumer._thread._consumer._fetcher._fetch_max_wait_ms)

        produce(kafka_address, topic, numbered(4), partitions=4)
        await eventually(lambda: owner.count(topic) == 4)
        assert wait_ms() == Settings().fetch_wait_ms, "nothing waits: the delay is the chosen one"
        owner.gate.clear()
        for n in range(4):
            produce(kafka_address, topic, numbered(2_100, 200), partitions=1)
            produce(kafka_address, quick, [b"now"])
            await eventually(lambda n=n: owner.count(quick) == n + 1)  # type: ignore[misc]
        assert wait_ms() == fetching.BUSY_WAIT_MS
        owner.gate.set()
        await eventually(lambda: owner.count(topic) == 4 + 4 * 2_100)
        await eventually(lambda: wait_ms() == Settings().fetch_wait_ms, 5.0)


class TestMembership:
    async def test_a_claim_may_take_longer_than_the_session(self, kafka_address: str, topic: str, start: Start) -> None:
        produce(kafka_address, topic, numbered(5))
        owner = MemoryOwner()
        owner.claim_s = 4.0
        await start(topic, owner=owner, session_timeout_ms=1500)
        await eventually(lambda: owner.count(topic) == 5)
        assert len(owner.claims) == 1

    async def test_membership_is_confirmed_by_a_heartbeat_sent_after_the_question(self, topic: str, start: Start) -> None:
        owner = await start(topic, heartbeat_ms=500)
        assert owner.app is not None
        await eventually(lambda: bool(owner.claims))
        for _ in range(3):
            asked_s = time.monotonic()
            await asyncio.wait_for(owner.app.consumer.confirmed_member(), 5)
            assert time.monotonic() - asked_s < 1.5

    async def test_revocation_comes_when_the_app_stops(self, kafka_address: str, namespace: str, topic: str) -> None:
        owner = MemoryOwner()
        async with running(kafka_address, namespace, [topic], owner):
            await eventually(lambda: bool(owner.claims))
        assert owner.revocations == [{TP(topic, p) for p in range(4)}]


class TestWatchdog:
    async def test_a_client_that_stops_fetching_ends_the_process(
        self, kafka_address: str, topic: str, start: Start, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        owner = await start(topic)
        produce(kafka_address, topic, [b"first"])
        await eventually(lambda: owner.count(topic) == 1)
        assert owner.app is not None
        monkeypatch.setattr(fetching, "STALL_S", 1.5)
        await asyncio.sleep(2.5)
        assert not owner.app.crashed, "idle is not stuck"
        monkeypatch.setattr(owner.app.consumer._thread, "_take", lambda *_: fetching.NOTHING)
        produce(kafka_address, topic, [b"second"])
        await eventually(lambda: bool(owner.app and owner.app.crashed))


@pytest.fixture(scope="module")
def own_kafka(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A broker that a test may stop, kill and freeze."""
    place: Path = tmp_path_factory.mktemp("kafka")
    with LocalKafka(place) as broker:
        yield broker


@pytest.mark.services
class TestBrokenBroker:
    async def test_records_flow_on_after_a_restart(self, own_kafka: LocalKafka, namespace: str) -> None:
        topic = f"{namespace}.events"
        create_topics(own_kafka.address, {topic: 4})
        produce(own_kafka.address, topic, numbered(400), partitions=4)
        owner = MemoryOwner()
        async with running(own_kafka.address, namespace, [topic], owner) as app:
            await eventually(lambda: owner.count(topic) == 400)
            await asyncio.to_thread(own_kafka.kill)
            await app.consumer.publish_positions(dict(owner.next))
            await asyncio.to_thread(own_kafka.start)
            await asyncio.to_thread(produce, own_kafka.address, topic, numbered(400), partitions=4)
            await eventually(lambda: owner.count(topic) == 800, timeout_s=60)

    async def test_nobody_is_a_member_while_the_broker_is_silent(self, own_kafka: LocalKafka, namespace: str) -> None:
        topic = f"{namespace}.events"
        create_topics(own_kafka.address, {topic: 1})
        owner = MemoryOwner()
        async with running(own_kafka.address, namespace, [topic], owner, session_timeout_ms=6000) as app:
            await eventually(lambda: bool(owner.claims))
            await app.consumer.confirmed_member()
            confirmed = app.consumer.on_confirmed
            answers: list[tuple[float, float]] = []

            def noted(sent_s: float) -> None:
                answers.append((sent_s, time.monotonic()))
                confirmed(sent_s)

            app.consumer.on_confirmed = noted
            own_kafka.freeze()
            try:
                # A heartbeat is under way when the question is asked; its answer says nothing about now.
                await asyncio.sleep(1.0)
                asked_s, before = time.monotonic(), len(answers)
                question = asyncio.create_task(app.consumer.confirmed_member())
                await asyncio.sleep(1.0)
                assert not question.done()
            finally:
                own_kafka.thaw()
            await asyncio.wait_for(question, 20)
            sent = [sent_s for sent_s, _ in answers[before:]]
            assert sent[0] < asked_s <= sent[-1]
            assert all(sent_s <= answered_s for sent_s, answered_s in answers)
