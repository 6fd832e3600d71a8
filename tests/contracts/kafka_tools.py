"""What contract tests do to a broker from outside: topics, producers, transactions, group offsets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic


def create_topics(address: str, topics: Mapping[str, int], config: Mapping[str, str] | None = None) -> None:
    """Create {topic: partitions} and wait until they are there."""
    admin = AdminClient({"bootstrap.servers": address})
    made = admin.create_topics([NewTopic(name, n, 1, config=dict(config or {})) for name, n in topics.items()])
    for done in made.values():
        done.result(30)
    deadline = time.monotonic() + 30
    while any(name not in admin.list_topics(timeout=5).topics for name in topics):
        assert time.monotonic() < deadline, "the topics do not appear"
        time.sleep(0.05)


def producer(address: str, **settings: Any) -> Producer:
    """Idempotent: without that, a batch that a new topic's leader refused at first lands behind the ones after it."""
    fixed = {"bootstrap.servers": address, "acks": "all", "linger.ms": 5, "enable.idempotence": True}
    return Producer({**fixed, **{key.replace("_", "."): v for key, v in settings.items()}})


def produce(address: str, topic: str, values: Iterable[bytes], *, partitions: int = 1, **settings: Any) -> None:
    """Value i goes to partition i % partitions with key b"k" and one header; returns when all are acknowledged."""
    to = producer(address, **settings)
    for number, value in enumerate(values):
        to.produce(topic, value, b"k", number % partitions, headers=[("n", str(number).encode())])
        to.poll(0)
    assert to.flush(60) == 0


def transaction(to: Producer, topic: str, values: Iterable[bytes], *, commit: bool) -> None:
    """One transaction on partition 0."""
    to.begin_transaction()
    for value in values:
        to.produce(topic, value, b"k", 0)
    to.flush(30)
    if commit:
        to.commit_transaction(30)
    else:
        to.abort_transaction(30)


def group_offsets(address: str, group: str, topic: str, partitions: int) -> dict[int, int]:
    """{partition: offset} that Kafka keeps for a group; nothing for a partition without one."""
    admin = AdminClient({"bootstrap.servers": address})
    wanted = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, p) for p in range(partitions)])
    found = admin.list_consumer_group_offsets([wanted])[group].result(30)
    return {tp.partition: tp.offset for tp in found.topic_partitions if tp.offset >= 0}


def delete_before(address: str, topic: str, partition: int, offset: int) -> None:
    """What retention does: records below `offset` are gone."""
    admin = AdminClient({"bootstrap.servers": address})
    for done in admin.delete_records([TopicPartition(topic, partition, offset)]).values():
        done.result(30)


async def eventually(true: Callable[[], bool], timeout_s: float = 60.0) -> None:
    """Wait until `true()`."""
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.01)
