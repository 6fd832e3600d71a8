"""KafkaOutbox: publishes records and waits for every acknowledgement.

Two producers, because no one is good at both: a small publish (live traffic, some records in each round) goes out as
one request from the running loop; a large one (catching up) through librdkafka's threads. Callers await a publish
before they start the next for the same partition, so the order within a partition holds across the two.
Figures behind the choice: docs/decisions/0020-outbox.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from streams.batch_producer import BatchProducer
from streams.bulk_producer import BulkProducer
from streams.ports import Outgoing, Unavailable

SMALL_RECORDS_MAX = 50
"""A larger publish goes through librdkafka. 15 records of 5 KB: 60 us of our CPU and 60-100 us of the broker's per record as
one request, 67 and 160-215 through librdkafka, and a third of the latency; at 60 librdkafka needs half of our CPU."""

SMALL_BYTES_MAX = 400_000
"""So that a partition's part, with headers, always fits into one batch of 1 MB."""

COMPRESSION = "none"
"""lz4 halves a list of 5 KB for 4-5 us of CPU per record (8-9 without), zstd level 1 makes a third of it for 11 us."""

CLOSE_S = 2.0
"""How long `close` waits for acknowledgements; the next claim publishes the rest again."""


class KafkaOutbox:
    """Implements `streams.ports.Outbox` on Kafka. Make it on the loop that uses it; `close` it."""

    def __init__(self, bootstrap: str, *, client_id: str = "segue", small_records_max: int = SMALL_RECORDS_MAX) -> None:
        self._small = BatchProducer(bootstrap, client_id)
        self._large = BulkProducer(bootstrap, client_id, compression=COMPRESSION)
        self._small_records_max = small_records_max
        self._closed = False

    async def publish(self, records: Sequence[Outgoing]) -> None:
        """Append `records`, those of one partition in the given order; returns when each is acknowledged.

        A broker that is away is waited for, without loss and without repetition. Raises Unavailable when the outbox is
        closed, and what the broker refuses for good (a record too large, no permission) as it comes.
        """
        if self._closed:
            raise Unavailable("the outbox is closed")
        if records:
            await (self._small if self._is_small(records) else self._large).publish(records)

    def _is_small(self, records: Sequence[Outgoing]) -> bool:
        if len(records) > self._small_records_max:
            return False
        return sum(len(record.value) for record in records if record.value is not None) <= SMALL_BYTES_MAX

    async def close(self) -> None:
        """Wait up to CLOSE_S for what is under way, then end; publishes that are still waiting raise Unavailable."""
        self._closed = True
        await asyncio.gather(self._small.close(CLOSE_S), self._large.close(CLOSE_S))
