"""Kafka's record batch, version 2, in parts that are joined once, and a checksum in hardware.

Stands where aiokafka has its `BatchBuilder`: that one sums CRC-32C in software, 4 us for a list of 6 KB, which is as
much as the rest of publishing it. The bytes are held to be the same by tests/unit/streams/test_record_batch.py.
Never compressed: docs/decisions/0020-outbox.md.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Final

from crc32c import crc32c

from streams.ports import Outgoing
from streams.record_headers import COUNTS, headers_text, varint

HEADER: Final = struct.Struct(">qiibI")
"""Base offset, bytes that follow, leader epoch, magic, CRC: what the CRC does not cover."""
COVERED: Final = struct.Struct(">hiqqqhii")
"""Attributes, last offset delta, first and last time, producer id and epoch, first sequence, number of records."""
AFTER_LENGTH: Final = HEADER.size - 12 + COVERED.size
"""Bytes of the header after the field that counts them."""
NO_EPOCH, MAGIC = -1, 2
RECORD_OVERHEAD: Final = 32
"""Lengths, deltas and attributes of a record, at most."""


_ABSENT: Final = varint(-1)


class BatchBytes:
    """A batch as parts that nobody joined yet: the request they go into is the first to copy them (`streams/one_copy.py`)."""

    def __init__(self, parts: list[bytes], n_bytes: int) -> None:
        self.parts, self._n_bytes = parts, n_bytes

    def __len__(self) -> int:
        return self._n_bytes

    def __bytes__(self) -> bytes:
        return b"".join(self.parts)


class RecordBatch:
    """Some records of one partition, closed: what `AIOKafkaProducer.send_batch` takes.

    Parameters
    ----------
    texts: the records in parts, as they stand in a batch; their times are the batch's.
    n_bytes: their length together.
    """

    def __init__(self, texts: list[bytes], n_bytes: int, n: int, at_ms: int) -> None:
        self._texts, self._n_bytes, self._n, self._at_ms = texts, n_bytes, n, at_ms
        self._built: BatchBytes | None = None
        self._producer = (-1, -1, 0)

    def append(self, **_: object) -> None:
        """Full."""

    def close(self) -> None:
        """It always is."""

    def closed(self) -> bool:
        """True."""
        return True

    def size(self) -> int:
        """Bytes of the whole batch."""
        return HEADER.size + COVERED.size + self._n_bytes

    def record_count(self) -> int:
        """Records in it."""
        return self._n

    def _set_producer_state(self, producer_id: int, producer_epoch: int, base_sequence: int) -> None:
        self._producer = (producer_id, producer_epoch, base_sequence)

    def _build(self) -> BatchBytes:
        """The bytes; a batch that is sent once more is the same."""
        if self._built is None:
            covered = COVERED.pack(0, self._n - 1, self._at_ms, self._at_ms, *self._producer, self._n)
            crc = crc32c(covered)
            for text in self._texts:
                crc = crc32c(text, crc)
            header = HEADER.pack(0, AFTER_LENGTH + self._n_bytes, NO_EPOCH, MAGIC, crc) + covered
            self._built = BatchBytes([header, *self._texts], self.size())
        return self._built


def record_batches(records: Sequence[Outgoing], at_ms: int, bytes_max: int) -> Iterator[RecordBatch]:
    """`records` of one partition, in order, in batches of at most `bytes_max`; a single record may be larger."""
    room = bytes_max - HEADER.size - COVERED.size
    counts = COUNTS
    texts: list[bytes] = []
    n = n_bytes = 0
    tail = b""
    for _, _, key, value, headers in records:
        after = headers if isinstance(headers, bytes) else headers_text(headers)
        n_value = 0 if value is None else len(value)
        if n and n_bytes + RECORD_OVERHEAD + (len(key) if key else 0) + n_value + len(after) > room:
            yield RecordBatch([*texts, tail], n_bytes, n, at_ms)
            texts, tail, n, n_bytes = [], b"", 0, 0
        before = b"\0\0" + counts[n] + (_ABSENT if key is None else counts[len(key)] + key)
        before += _ABSENT if value is None else counts[n_value]
        n_record = len(before) + n_value + len(after)
        length = counts[n_record]
        texts += (tail + length + before, value or b"")
        n_bytes += len(length) + n_record
        tail = after
        n += 1
    yield RecordBatch([*texts, tail], n_bytes, n, at_ms)
