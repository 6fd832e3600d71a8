"""Topics, read whole: every readable record of a partition in order, without a consumer group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

SILENCE_S = 30.0
"""A broker that gives nothing for this long, neither a record nor the end, is not well."""


class Read(NamedTuple):
    """One record as it stands in the log."""

    offset: int
    at_ms: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


class SilentBroker(RuntimeError):
    """The broker answers no more; nothing can be judged."""


class LogTooShort(RuntimeError):
    """Retention took the beginning of the events: what they made cannot be worked out again."""


class Topics:
    """Reads the topics of one cluster, committed records only."""

    def __init__(self, kafka: str) -> None:
        self._consumer = Consumer(
            {
                "bootstrap.servers": kafka,
                "group.id": "segue-oracle",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "error",
                # 32 MB read ahead: lists have 5 KB, and the judge's memory stays flat.
                "queued.max.messages.kbytes": 32_768,
                # The end of a partition is told by an empty fetch: do not let the broker wait half a second with it.
                "fetch.wait.max.ms": 10,
            }
        )

    def __enter__(self) -> Topics:
        return self

    def __exit__(self, *exc: object) -> None:
        self._consumer.close()

    def partitions(self, topic: str) -> int:
        """How many partitions `topic` has; 0 when there is no such topic."""
        known = self._consumer.list_topics(topic, timeout=10.0).topics[topic]
        return 0 if known.error is not None else len(known.partitions)

    def bounds(self, topic: str, partition: int) -> tuple[int, int]:
        """First offset kept, and the offset after the last one."""
        low, high = self._consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10.0)
        return low, high

    def read(self, topic: str, partition: int) -> Iterator[Read]:
        """All readable records of one partition, up to its end at the time it is reached.

        Raises `SilentBroker` after 30 s without an answer, `KafkaException` on an error.
        """
        # By number: "from the beginning" is a question that librdkafka asks again only after 0.5 s when it does not know the leader yet.
        low, high = self.bounds(topic, partition)
        if low == high:
            return
        self._consumer.assign([TopicPartition(topic, partition, low)])
        try:
            while True:
                message = self._consumer.poll(SILENCE_S)
                if message is None:
                    raise SilentBroker(f"{topic}/{partition}: nothing for {SILENCE_S:.0f} s, not even the end of the partition")
                error = message.error()
                if error is None:
                    yield Read(message.offset() or 0, message.timestamp()[1], message.key(), message.value(), message.headers() or ())
                elif error.code() == KafkaError._PARTITION_EOF:
                    return
                else:
                    raise KafkaException(error)
        finally:
            self._consumer.unassign()
