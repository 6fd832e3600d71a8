"""Reading aside from the consumer group: one record again, or a small topic whole. Both block; run them in a thread."""

from __future__ import annotations

from uuid import uuid4

from aiokafka.structs import ConsumerRecord
from confluent_kafka import Consumer, KafkaError, TopicPartition

from streams.ports import TP, Record

WAIT_S = 30.0


def _consumer(bootstrap: str) -> Consumer:
    return Consumer(
        {"bootstrap.servers": bootstrap, "group.id": f"reread-{uuid4()}", "enable.auto.commit": False, "enable.partition.eof": True}
    )


def read_all(bootstrap: str, topic: str) -> list[bytes | None]:
    """Every value on partition 0 of `topic`, oldest first. Raises `TimeoutError`."""
    consumer = _consumer(bootstrap)
    try:
        first, end = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=WAIT_S)
        values: list[bytes | None] = []
        if first == end:
            return values
        consumer.assign([TopicPartition(topic, 0, first)])
        while True:
            message = consumer.poll(WAIT_S)
            if message is None:
                raise TimeoutError(f"{topic} cannot be read; see operations.md, 'reread'")
            if message.error() is not None:
                if message.error().code() == KafkaError._PARTITION_EOF:
                    return values
                raise TimeoutError(f"{topic}: {message.error()}; see operations.md, 'reread'")
            values.append(message.value())
    finally:
        consumer.close()


def read_one(bootstrap: str, tp: TP, offset: int) -> Record:
    """Blocks until the record is there. Raises `TimeoutError` after WAIT_S."""
    consumer = _consumer(bootstrap)
    try:
        consumer.assign([TopicPartition(*tp, offset)])
        message = consumer.poll(WAIT_S)
        if message is None or message.error() or message.offset() != offset:
            raise TimeoutError(f"{tp.topic}-{tp.partition}: record {offset} cannot be read again; see operations.md, 'reread'")
        headers = tuple((name, value) for name, value in message.headers() or ())
        key, value = message.key(), message.value()
        sizes = (len(key or b""), len(value or b""))
        return ConsumerRecord(*tp, offset, message.timestamp()[1], 1, key, value, None, *sizes, headers)  # type: ignore[no-any-return]
    finally:
        consumer.close()
