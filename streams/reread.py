"""One record read again: a rejected one that was too large to be held beside the cursor."""

from __future__ import annotations

from uuid import uuid4

from aiokafka.structs import ConsumerRecord
from confluent_kafka import Consumer, TopicPartition

from streams.ports import TP, Record

WAIT_S = 30.0


def read_one(bootstrap: str, tp: TP, offset: int) -> Record:
    """Blocks until the record is there. Raises `TimeoutError` after WAIT_S."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": f"reread-{uuid4()}", "enable.auto.commit": False})
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
