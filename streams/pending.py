"""What an apply still had to publish, as bytes beside the cursor: a claim publishes it once more.

A user's newest list is only named (it stands in the user's hash); earlier lists of the same round (in the same
short form), numbered items, rejected records and decisions are held in full.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from streams.cloudevents import recommendation_headers
from streams.contract import Decision
from streams.erasures import Erasure
from streams.ports import Outgoing

IN_REDIS: Final = b""
"""Instead of a list's bytes: it is the user's newest, read it from the user's hash."""


class PendingList(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One list; `value` None = the user was erased, `IN_REDIS` = read it."""

    user_id: str
    offset: int
    value: bytes | None


class Numbered(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One section of items for a partition of an internal topic."""

    topic: str
    partition: int
    section: bytes


class Pending(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """All of it, for one partition and one round."""

    at_ms: int
    lists: list[PendingList]
    numbered: list[Numbered]
    rejected: list[bytes]
    """`dead_letters.encode_rejection` of each."""
    erased: list[Erasure] = []
    decided: list[Decision] = []


_encode = msgspec.msgpack.Encoder().encode
_decode: Final[msgspec.msgpack.Decoder[Pending]] = msgspec.msgpack.Decoder(Pending)


def encode(pending: Pending) -> bytes:
    """Bytes for Redis; empty when there is nothing to publish."""
    return _encode(pending) if pending.lists or pending.numbered or pending.rejected or pending.decided else b""


def decode(raw: bytes) -> Pending:
    """The inverse; empty bytes are nothing."""
    return _decode.decode(raw) if raw else Pending(0, [], [], [])


def recommendation_id(incarnation: str, partition: int, offset: int) -> str:
    """The same for the same event, however often it is published.

    >>> recommendation_id("8f3a90c1", 3, 1207)
    '8f3a-3-1207'
    """
    return f"{incarnation[:4]}-{partition}-{offset}"


def is_list_of(value: bytes | None, incarnation: str, partition: int, entry: PendingList) -> bool:
    """Is `value`, read from Redis, still the list that `entry` names?"""
    start = b'{"recommendation_id":"%b"' % recommendation_id(incarnation, partition, entry.offset).encode()
    return value is not None and value.startswith(start)


def list_record(topic: str, incarnation: str, partition: int, entry: PendingList, value: bytes | None, at_ms: int) -> Outgoing:
    """The record of one list."""
    ce_id = recommendation_id(incarnation, partition, entry.offset).encode()
    return Outgoing(topic, partition, entry.user_id.encode(), value, recommendation_headers(ce_id, at_ms))


def numbered_records(numbered: Sequence[Numbered], bytes_max: int = 900_000) -> list[Outgoing]:
    """One record per target partition, holding the sections of all sources; a new one before it grows too large."""
    gathered: dict[tuple[str, int], list[bytes]] = {}
    for item in numbered:
        gathered.setdefault((item.topic, item.partition), []).append(item.section)
    records: list[Outgoing] = []
    for (topic, partition), sections in gathered.items():
        held: list[bytes] = []
        size = 0
        for section in sections:
            if held and size + len(section) > bytes_max:
                records.append(Outgoing(topic, partition, None, b"".join(held), []))
                held, size = [], 0
            held.append(section)
            size += len(section)
        records.append(Outgoing(topic, partition, None, b"".join(held), []))
    return records
