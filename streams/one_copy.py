"""aiokafka's produce request, put together with one copy of its batches.

aiokafka joins the bytes anew at each level of the request: for a round of 1,000 lists of 6 KB that is six copies of 6 MB,
16 us of CPU per list and more than all else that publishing costs. Its private names are pinned; the bytes are held
to be the same by tests/unit/streams/test_one_copy.py.
"""

from __future__ import annotations

from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.types import Int16, Int32, String

from streams.record_batch import BatchBytes

FLAT_SINCE = 3
"""Versions before have another layout; Kafka 4 does not speak them any more."""

_text = String("utf-8")


class _Body:
    """Parts of a message; `header + body` is a body, and `size + (header + body)` the bytes: what `AIOKafkaConnection.send` adds up."""

    def __init__(self, parts: list[bytes], has_header: bool = False) -> None:
        self.parts, self._has_header = parts, has_header

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    def __radd__(self, before: bytes) -> _Body | memoryview:
        """A view, so that asyncio does not copy the rest of it when the socket takes a part."""
        parts = [before, *self.parts]
        return memoryview(b"".join(parts)) if self._has_header else _Body(parts, has_header=True)


class OneCopyRequest(ProduceRequest):  # type: ignore[misc]
    """A `ProduceRequest` whose struct encodes itself with one join."""

    def build(self, request_struct_class: Any) -> Any:
        built = super().build(request_struct_class)
        if request_struct_class.API_VERSION >= FLAT_SINCE:
            built.encode = self._encoded
        return built

    def _encoded(self) -> _Body:
        parts: list[bytes] = [
            _text.encode(self._transactional_id),
            Int16.encode(self._required_acks),
            Int32.encode(self._timeout),
            Int32.encode(len(self._topics)),
        ]
        for topic, partitions in self._topics:
            parts += [_text.encode(topic), Int32.encode(len(partitions))]
            for partition, batch in partitions:
                parts += [Int32.encode(partition), Int32.encode(len(batch)), *(batch.parts if isinstance(batch, BatchBytes) else [batch])]
        return _Body(parts)


def send_with_one_copy(producer: AIOKafkaProducer) -> None:
    """Let a producer encode its produce requests like this."""
    client = producer.client
    send = client.send

    async def sent(node_id: int, request: Any, **options: Any) -> Any:
        if type(request) is ProduceRequest:
            request = OneCopyRequest(request._transactional_id, request._required_acks, request._timeout, request._topics)
        return await send(node_id, request, **options)

    client.send = sent
