"""What becomes of a record that cannot be applied: the raw bytes, the original headers, and a reason.

The error headers use the names of KIP-1191 (`__dlq.errors.*`), which tools for dead letters know. A dead
letter is a function of its record and its reason alone: sent again after a crash it has the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from streams.contract import DeadLetterHeaders, Reason
from streams.ports import Outgoing

HELD_BYTES_MAX: Final = 65_536
"""Up to this size a rejected record is held in `pending` whole; a larger one is read from its topic again."""

MESSAGE_CHARS_MAX: Final = 500

TOPIC, PARTITION, OFFSET, REASON, MESSAGE, APP = (spelled.encode_name for spelled in msgspec.structs.fields(DeadLetterHeaders))
_ERROR_HEADERS: Final = frozenset({TOPIC, PARTITION, OFFSET, REASON, MESSAGE, APP})


class Refusable(Protocol):
    """What a dead letter is made of: a `Record`, or one that was held in `pending`."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


class Held(msgspec.Struct, frozen=True, array_like=True, tag="held"):
    """A rejection in `pending` with its record, all that `dead_letter` needs."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]
    reason: Reason
    message: str

    def letter(self, namespace: str) -> Outgoing:
        return dead_letter(self, self.reason, self.message, namespace)  # type: ignore[arg-type]  # a header's value may be null


class Reread(msgspec.Struct, frozen=True, array_like=True, tag="reread"):
    """A rejection in `pending` of a record above `HELD_BYTES_MAX`: fetch it by its offset, then call `letter`."""

    topic: str
    partition: int
    offset: int
    reason: Reason
    message: str

    def letter(self, record: Refusable, namespace: str) -> Outgoing:
        return dead_letter(record, self.reason, self.message, namespace)


_encode = msgspec.msgpack.Encoder().encode
_decoder: Final[msgspec.msgpack.Decoder[Held | Reread]] = msgspec.msgpack.Decoder(Held | Reread)


def dead_letter(record: Refusable, reason: Reason, message: str, namespace: str) -> Outgoing:
    """The dead letter of `record`, for the partition of the same number.

    Key, value and headers stay as they were, byte for byte; only error headers of an earlier refusal (a dead
    letter that was sent again) give way to ours. `message` is cut to `MESSAGE_CHARS_MAX`.
    """
    headers = [entry for entry in record.headers if entry[0] not in _ERROR_HEADERS]
    headers += [
        (TOPIC, record.topic.encode()),
        (PARTITION, b"%d" % record.partition),
        (OFFSET, b"%d" % record.offset),
        (REASON, reason.encode()),
        (MESSAGE, message[:MESSAGE_CHARS_MAX].encode("utf-8", "replace")),
        (APP, namespace.encode()),
    ]
    return Outgoing(f"{namespace}.dead-letters", record.partition, record.key, record.value, headers)


def encode_rejection(record: Refusable, reason: Reason, message: str, *, held_bytes_max: int = HELD_BYTES_MAX) -> bytes:
    """A rejection as bytes for `pending`: with its record up to `held_bytes_max`, by its offset above."""
    message = message[:MESSAGE_CHARS_MAX]
    if size_bytes(record) > held_bytes_max:
        return _encode(Reread(record.topic, record.partition, record.offset, reason, message))
    headers: list[tuple[str, bytes | None]] = list(record.headers)
    return _encode(Held(record.topic, record.partition, record.offset, record.key, record.value, headers, reason, message))


def decode_rejection(raw: bytes) -> Held | Reread:
    """The inverse of `encode_rejection`.

    Raises:
        msgspec.DecodeError: for bytes that it did not write.
    """
    return _decoder.decode(raw)


def size_bytes(record: Refusable) -> int:
    """Bytes of the record's key, value and headers."""
    size = len(record.key or b"") + len(record.value or b"")
    return size + sum(len(name) + len(value or b"") for name, value in record.headers)
