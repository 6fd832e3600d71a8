"""Kafka's record batch, version 2, written with one join and a checksum in hardware.

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

HEADER: Final = struct.Struct(">qiibI")
"""Base offset, bytes that follow, leader epoch, magic, CRC: what the CRC does not cover."""
COVERED: Final = struct.Struct(">hiqqqhii")
"""Attributes, last offset delta, first and last time, producer id and epoch, first sequence, number of records."""
AFTER_LENGTH: Final = HEADER.size - 12 + COVERED.size
"""Bytes of the header after the field that counts them."""
NO_EPOCH, MAGIC = -1, 2
RECORD_OVERHEAD: Final = 32
"""Lengths, deltas and attributes of a record, at most."""


def varint(n: int) -> bytes:
    """`n` as a zigzag varint.

    >>> varint(-1), varint(63), varint(64)
    (b'\\x01', b'~', b'\\x80\\x01')
    """
    rest = 2 * n if n >= 0 else -2 * n - 1
    text = bytearray()
    while rest > 127:
        text.append(rest & 127 | 128)
        rest >>= 7
    text.append(rest)
    return bytes(text)


_READY: Final = [varint(n) for n in range(8_192)]
"""Most lengths and all deltas of a round."""
_ABSENT: Final = varint(-1)


def _count(n: int) -> bytes:
    return _READY[n] if n < len(_READY) else varint(n)


class RecordBatch:
    """Some records of one partition, closed: what `AIOKafkaProducer.send_batch` takes.

    Parameters
    ----------
    body: the records, as they stand in a batch; their times are the batch's.
    """

    def __init__(self, body: bytes, n: int, at_ms: int) -> None:
        self._body, self._n, self._at_ms = body, n, at_ms
        self._buffer = b""
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
        return HEADER.size + COVERED.size + len(self._body)

    def record_count(self) -> int:
        """Records in it."""
        return self._n

    def _set_producer_state(self, producer_id: int, producer_epoch: int, base_sequence: int) -> None:
        self._producer = (producer_id, producer_epoch, base_sequence)

    def _build(self) -> bytes:
        """The bytes; a batch that is sent once more is the same."""
        if not self._buffer:
            covered = COVERED.pack(0, self._n - 1, self._at_ms, self._at_ms, *self._producer, self._n)
            crc = crc32c(self._body, crc32c(covered))
            self._buffer = HEADER.pack(0, AFTER_LENGTH + len(self._body), NO_EPOCH, MAGIC, crc) + covered + self._body
        return self._buffer


def record_batches(records: Sequence[Outgoing], at_ms: int, bytes_max: int) -> Iterator[RecordBatch]:
    """`records` of one partition, in order, in batches of at most `bytes_max`; a single record may be larger."""
    left = room = bytes_max - HEADER.size - COVERED.size
    told: dict[tuple[str, bytes], bytes] = {}
    texts: list[bytes] = []
    n = 0
    for _, _, key, value, headers in records:
        key_, value_ = key or b"", value or b""
        after = _READY[len(headers)] + b"".join([told.get(pair) or _header(pair, told) for pair in headers])
        size = RECORD_OVERHEAD + len(key_) + len(value_) + len(after)
        if size > left and n:
            yield RecordBatch(b"".join(texts), n, at_ms)
            texts, n, left = [], 0, room
        left -= size
        before = b"\0\0" + _count(n) + (_ABSENT if key is None else _count(len(key_))) + key_
        before += _ABSENT if value is None else _count(len(value_))
        texts += (_count(len(before) + len(value_) + len(after)), before, value_, after)
        n += 1
    yield RecordBatch(b"".join(texts), n, at_ms)


def _header(pair: tuple[str, bytes], told: dict[tuple[str, bytes], bytes]) -> bytes:
    """One header; `told` keeps it, for the records of a batch share all but their ids."""
    name, value = pair[0].encode(), pair[1]
    text = told[pair] = _count(len(name)) + name + _count(len(value)) + value
    return text
