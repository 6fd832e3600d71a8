"""Topics read whole, one partition after the other, for the audit."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Final, Self

import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from console.trouble import Exit, Trouble, kafka_away
from infra.settings import Settings

SILENT_S: Final = 30.0
"""A broker that gives neither a record nor the end for so long is away."""
ASK_S: Final = 10.0

_silent = logging.getLogger("console.audit")
_silent.addHandler(logging.NullHandler())
_silent.propagate = False


class Stored(msgspec.Struct, gc=False):
    """One record as it lies in its topic (the shape of `streams.ports.Record`)."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class Topics:
    """A consumer without a group: partitions are assigned by hand, so that reading disturbs nobody."""

    def __init__(self, settings: Settings) -> None:
        self._kafka = settings.kafka
        self._consumer = Consumer(
            {
                "bootstrap.servers": settings.kafka,
                "client.id": f"{settings.namespace}-audit",
                "group.id": f"{settings.namespace}.audit",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "error",
                "allow.auto.create.topics": False,
                "fetch.wait.max.ms": 10,
                "queued.max.messages.kbytes": 32_768,
            },
            logger=_silent,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._consumer.close()

    def bounds(self, topic: str, partition: int) -> tuple[int, int]:
        """First offset kept, and the offset behind the last record.

        Raises
        ------
        Trouble : the topic is not there (exit 1), Kafka is away (exit 4)
        """
        try:
            found = self._consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=ASK_S)
        except KafkaException as error:
            raise self._trouble(topic, error.args[0]) from error
        return int(found[0]), int(found[1])

    def read(self, topic: str, partition: int) -> Iterator[Stored]:
        """Every readable record of a partition.

        Raises
        ------
        Trouble : as `bounds`
        """
        low, high = self.bounds(topic, partition)
        if low == high:
            return
        self._consumer.assign([TopicPartition(topic, partition, low)])
        try:
            while True:
                message = self._consumer.poll(SILENT_S)
                if message is None:
                    raise kafka_away(self._kafka, f"{topic}-{partition}: nothing for {SILENT_S:.0f} s")
                error = message.error()
                if error is None:
                    yield Stored(
                        topic,
                        partition,
                        message.offset() or 0,
                        message.timestamp()[1],
                        message.key(),
                        message.value(),
                        message.headers() or (),
                    )
                elif error.code() == KafkaError._PARTITION_EOF:
                    return
                else:
                    raise self._trouble(topic, error)
        finally:
            self._consumer.unassign()

    def _trouble(self, topic: str, error: KafkaError) -> Trouble:
        if error.code() in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_PARTITION, KafkaError._UNKNOWN_TOPIC):
            return Trouble(Exit.FAILURE, f"topic {topic} does not exist on {self._kafka}", "segue topics apply")
        return kafka_away(self._kafka, error.str())
