"""What an outbox promises; the one on Kafka and the one in memory keep the same suite."""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from infra.kafka_process import LocalKafka
from streams.batch_producer import BATCH_BYTES, RECORD_BYTES_MAX
from streams.memory_outbox import MemoryOutbox
from streams.outbox import KafkaOutbox
from streams.ports import Outbox, Outgoing, Unavailable
from tests.contracts.kafka_tools import create_topics

LARGE = 400
"""Records of a large publish."""


class Bench:
    """An outbox under test, what it wrote to, and a way to break that."""

    outbox: Outbox
    topic: str

    @abstractmethod
    async def read(self, partition: int) -> list[Outgoing]:
        """Everything a reader finds in a partition, now."""

    @abstractmethod
    async def break_off(self) -> None:
        """The broker goes away."""

    @abstractmethod
    async def mend(self) -> None:
        """The broker is back, with what it acknowledged."""

    @abstractmethod
    async def close(self) -> None: ...

    def records(self, n: int, *, partitions: int = 1, size: int = 20, start: int = 0) -> list[Outgoing]:
        numbers = range(start, start + n)
        return [Outgoing(self.topic, i % partitions, b"u%d" % i, b"%0*d" % (size, i), [("ce_id", b"%d" % i)]) for i in numbers]


class OutboxContract:
    @pytest.mark.parametrize("n", [1, 7, LARGE])
    async def test_records_arrive_once_in_order_and_before_the_publish_ends(self, bench: Bench, n: int) -> None:
        records = bench.records(n, partitions=2)
        await bench.outbox.publish(records)
        assert await bench.read(0) == records[0::2]
        assert await bench.read(1) == records[1::2]

    async def test_order_holds_across_small_and_large_publishes(self, bench: Bench) -> None:
        expected: list[Outgoing] = []
        for n in (3, LARGE, 1, LARGE, 2, 3):
            records = bench.records(n, start=len(expected))
            await bench.outbox.publish(records)
            expected += records
        assert await bench.read(0) == expected

    @pytest.mark.parametrize("n", [1, LARGE])
    async def test_tombstones_keys_and_headers_arrive_as_they_are(self, bench: Bench, n: int) -> None:
        headers = [
            ("ce_id", b"1"),
            ("bytes", bytes(range(256))),
            ("twice", b"a"),
            ("twice", b"b"),
            ("empty", b""),
            ("naïve", "Zoë".encode()),
        ]
        odd = [
            Outgoing(bench.topic, 0, b"ana", None, headers),
            Outgoing(bench.topic, 0, None, b"no key", []),
            Outgoing(bench.topic, 0, b"", b"", []),
            Outgoing(bench.topic, 0, bytes(range(256)), b"\x00\xff", headers[:1]),
        ]
        records = odd + bench.records(n)
        await bench.outbox.publish(records)
        assert await bench.read(0) == records

    @pytest.mark.parametrize("size", [20, RECORD_BYTES_MAX + 1])
    async def test_values_may_be_views_of_a_buffer(self, bench: Bench, size: int) -> None:
        records = bench.records(9, size=size)
        buffer = memoryview(bytearray(b"".join(record.value or b"" for record in records)))
        views = [buffer[i * size : (i + 1) * size] for i in range(9)]
        await bench.outbox.publish([r._replace(value=view) for r, view in zip(records, views, strict=True)])  # type: ignore[arg-type]
        assert await bench.read(0) == records

    async def test_nothing_to_publish_is_published_at_once(self, bench: Bench) -> None:
        await bench.outbox.publish([])
        assert await bench.read(0) == []

    async def test_a_large_publish_of_large_lists_arrives_whole(self, bench: Bench) -> None:
        records = bench.records(5000, partitions=2, size=5000)
        await bench.outbox.publish(records)
        assert await bench.read(0) == records[0::2]
        assert await bench.read(1) == records[1::2]

    async def test_few_records_that_are_too_large_for_one_batch_arrive(self, bench: Bench) -> None:
        records = bench.records(8, size=300_000)
        await bench.outbox.publish(records)
        assert await bench.read(0) == records

    async def test_publishes_to_different_partitions_run_side_by_side(self, bench: Bench) -> None:
        parts = [[record._replace(partition=p) for record in bench.records(n)] for p, n in ((0, 30), (1, LARGE))]
        await asyncio.gather(*(bench.outbox.publish(part) for part in parts))
        assert [await bench.read(0), await bench.read(1)] == parts

    @pytest.mark.parametrize("n", [5, LARGE, 20_000])
    async def test_a_broker_that_goes_away_in_mid_publish_is_waited_for(self, bench: Bench, n: int) -> None:
        first = bench.records(3)
        await bench.outbox.publish(first)
        records = bench.records(n, start=3)
        publishing = asyncio.ensure_future(bench.outbox.publish(records))
        await asyncio.sleep(0)
        await bench.break_off()
        more = asyncio.ensure_future(bench.outbox.publish([record._replace(partition=1) for record in bench.records(2)]))
        await asyncio.sleep(0.5)
        assert not more.done()
        await bench.mend()
        await asyncio.wait_for(asyncio.gather(publishing, more), 60)
        last = bench.records(1, start=3 + n)
        await bench.outbox.publish(last)
        assert await bench.read(0) == first + records + last
        assert len(await bench.read(1)) == 2

    async def test_a_closed_outbox_says_so(self, bench: Bench) -> None:
        await bench.outbox.publish(bench.records(1))
        await bench.close()
        with pytest.raises(Unavailable):
            await bench.outbox.publish(bench.records(1))

    @pytest.mark.parametrize("n", [2, LARGE])
    async def test_closing_ends_a_publish_that_waits(self, bench: Bench, n: int) -> None:
        await bench.outbox.publish(bench.records(1))
        await bench.outbox.publish(bench.records(LARGE))
        await bench.break_off()
        waiting = asyncio.ensure_future(bench.outbox.publish(bench.records(n)))
        await asyncio.sleep(0.1)
        await asyncio.wait_for(bench.close(), 5)
        with pytest.raises(Unavailable):
            await asyncio.wait_for(waiting, 1)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        await bench.mend()


class MemoryBench(Bench):
    def __init__(self) -> None:
        self.topic = "t"
        self.memory = MemoryOutbox()
        self.outbox = self.memory

    async def read(self, partition: int) -> list[Outgoing]:
        return list(self.memory.log[self.topic, partition])

    async def break_off(self) -> None:
        self.memory.cut(after=2)

    async def mend(self) -> None:
        self.memory.mend()

    async def close(self) -> None:
        await self.memory.close()


class TestMemoryOutbox(OutboxContract):
    @pytest.fixture
    def bench(self) -> Bench:
        return MemoryBench()


@pytest.fixture(scope="module")
def breakable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalKafka]:
    """A broker of these tests' own: they kill it."""
    with LocalKafka(tmp_path_factory.mktemp("outbox")) as broker:
        yield broker


class KafkaBench(Bench):
    def __init__(self, broker: LocalKafka, topic: str, batched_bytes_max: int = RECORD_BYTES_MAX) -> None:
        self.broker = broker
        self.topic = topic
        self.kafka = KafkaOutbox(broker.address, batched_bytes_max=batched_bytes_max)
        self.outbox = self.kafka

    async def read(self, partition: int) -> list[Outgoing]:
        return await asyncio.to_thread(read_all, self.broker.address, self.topic, partition)

    async def break_off(self) -> None:
        # Not in a thread: the loop would finish the publish before the broker is gone.
        self.broker.kill()

    async def mend(self) -> None:
        if not self.broker.running:
            await asyncio.to_thread(self.broker.start)

    async def close(self) -> None:
        await self.kafka.close()


NOT_YET = (
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError._UNKNOWN_PARTITION,
    KafkaError._UNKNOWN_TOPIC,
    KafkaError._TIMED_OUT,
    KafkaError._TRANSPORT,
)


def _reader(address: str, tp: TopicPartition) -> tuple[Consumer, int]:
    """A consumer, and the offset behind the last record; a new topic, or a broker that was frozen, may not have its leader yet.

    A client that was told of no partition stays of that opinion for minutes, so each question is a new client's.
    """
    deadline_s = time.monotonic() + 40
    while True:
        reader = Consumer(
            {"bootstrap.servers": address, "group.id": "reader", "enable.auto.commit": False, "fetch.message.max.bytes": 8_000_000}
        )
        try:
            _, end = reader.get_watermark_offsets(tp, timeout=2)
            return reader, int(end)
        except KafkaException as error:
            reader.close()
            if error.args[0].code() not in NOT_YET or time.monotonic() > deadline_s:
                raise
            time.sleep(0.1)


def read_all(address: str, topic: str, partition: int) -> list[Outgoing]:
    tp = TopicPartition(topic, partition, 0)
    reader, end = _reader(address, tp)
    try:
        reader.assign([tp])
        found: list[Any] = []
        while len(found) < end:
            found += reader.consume(min(1000, end - len(found)), timeout=10)
        assert all(message.error() is None for message in found)
        return [Outgoing(topic, partition, message.key(), message.value(), message.headers() or []) for message in found]
    finally:
        reader.close()


@pytest.mark.services
class TestKafkaOutbox(OutboxContract):
    batched_bytes_max = RECORD_BYTES_MAX

    @pytest.fixture
    async def bench(self, breakable: LocalKafka, namespace: str) -> AsyncIterator[Bench]:
        if not breakable.running:
            breakable.start()
        topic = f"{namespace}.lists"
        create_topics(breakable.address, {topic: 2})
        made = KafkaBench(breakable, topic, self.batched_bytes_max)
        yield made
        await made.close()
        if not breakable.running:
            breakable.start()

    @pytest.mark.slow
    @pytest.mark.parametrize(("n", "size"), [(5, 20), (LARGE, 20), (LARGE, 5_000)], ids=["few", "many", "several batches"])
    async def test_an_outage_longer_than_every_timeout_loses_and_doubles_nothing(self, bench: KafkaBench, n: int, size: int) -> None:
        bench.kafka._batches._request_timeout_ms = 2_000
        await bench.outbox.publish(bench.records(1, size=size))
        publishing = asyncio.ensure_future(bench.outbox.publish(bench.records(n, start=1, size=size)))
        await asyncio.sleep(0)
        bench.broker.freeze()
        await asyncio.sleep(7)
        bench.broker.thaw()
        await asyncio.wait_for(publishing, 60)
        assert await bench.read(0) == bench.records(n + 1, size=size)

    async def test_a_start_without_a_broker_waits_for_it(self, bench: KafkaBench) -> None:
        await bench.break_off()
        publishing = asyncio.ensure_future(bench.outbox.publish(bench.records(5)))
        await asyncio.sleep(1.0)
        assert not publishing.done()
        await bench.mend()
        await asyncio.wait_for(publishing, 60)
        assert await bench.read(0) == bench.records(5)

    @pytest.mark.parametrize("n", [1, LARGE])
    async def test_what_the_broker_refuses_for_good_is_an_error(self, bench: KafkaBench, n: int) -> None:
        bad = [record._replace(partition=77) for record in bench.records(n)]
        with pytest.raises((RuntimeError, AssertionError)):
            await asyncio.wait_for(bench.outbox.publish(bad), 30)

    async def test_order_holds_across_what_fits_into_batches_and_what_does_not(self, bench: KafkaBench) -> None:
        expected: list[Outgoing] = []
        for n, size in ((3, 20), (2, RECORD_BYTES_MAX + 1), (LARGE, 20), (1, BATCH_BYTES), (2, 20)):
            records = bench.records(n, start=len(expected), size=size)
            await bench.outbox.publish(records)
            expected += records
        assert await bench.read(0) == expected


class TestKafkaOutboxThroughLibrdkafka(TestKafkaOutbox):
    """The same promises when nothing fits into batches."""

    batched_bytes_max = -1
