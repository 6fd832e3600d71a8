"""KafkaOutbox: publishes records and waits for every acknowledgement.

What fits into batches goes out as one request per broker, from the running loop; a publish with a record that is too
large for one (a model) goes through librdkafka. Callers await a publish before they start the next for the same
partition, so the order within a partition holds across the two. Figures behind the choice: docs/decisions/0020-outbox.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from operator import attrgetter

from streams.batch_producer import RECORD_BYTES_MAX, BatchProducer
from streams.bulk_producer import BulkProducer
from streams.ports import Outgoing, Unavailable

COMPRESSION = "none"
"""Of what librdkafka sends; batches are never compressed: lz4 halves a list of 5 KB for 4-5 us of CPU, zstd level 1 makes a third of it
for 11 us."""

_VALUE = attrgetter("value")

CLOSE_S = 2.0
"""How long `close` waits for acknowledgements; the next claim publishes the rest again."""


class KafkaOutbox:
    """Implements `streams.ports.Outbox` on Kafka. Make it on the loop that uses it; `close` it."""

    def __init__(self, bootstrap: str, *, client_id: str = "segue", batched_bytes_max: int = RECORD_BYTES_MAX) -> None:
        self._batches = BatchProducer(bootstrap, client_id)
        self._large = BulkProducer(bootstrap, client_id, compression=COMPRESSION)
        self._batched_bytes_max = batched_bytes_max
        self._closed = False

    async def publish(self, records: Sequence[Outgoing]) -> None:
        """Append `records`, those of one partition in the given order; returns when each is acknowledged.

        A broker that is away is waited for, without loss and without repetition. Raises Unavailable when the outbox is
        closed, and what the broker refuses for good (a record too large, no permission) as it comes.
        """
        if self._closed:
            raise Unavailable("the outbox is closed")
        if records:
            await (self._batches if self._fits(records) else self._large).publish(records)

    def _fits(self, records: Sequence[Outgoing]) -> bool:
        return max(map(len, filter(None, map(_VALUE, records))), default=0) <= self._batched_bytes_max

    async def close(self) -> None:
        """Wait up to CLOSE_S for what is under way, then end; publishes that are still waiting raise Unavailable."""
        self._closed = True
        await asyncio.gather(self._batches.close(CLOSE_S), self._large.close(CLOSE_S))
