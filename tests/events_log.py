"""Records of the events topic as a broker would hand them over, for tests and benchmarks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from streams.partitioner import partition_of

PARTITIONS = 8
APPENDED_MS = 1_764_582_600_000
"""Append time of the records: 2025-12-01T09:50:00Z."""
PLAYED_MS = 1_764_582_000_000

PLAY: dict[str, object] = {"event_id": "01JD", "user_id": "ana", "track_id": "t42", "played_at": PLAYED_MS}


@dataclass
class Appended:
    """One record, on the partition that murmur2 gives its key unless told otherwise."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()
    timestamp: int = APPENDED_MS
    offset: int = 7
    partition: int = 0
    topic: str = "segue.events"


def appended(
    value: bytes | None,
    key: bytes | None = b"ana",
    headers: Sequence[tuple[str, bytes]] = (),
    timestamp: int = APPENDED_MS,
    partition: int | None = None,
    offset: int = 7,
) -> Appended:
    if partition is None:
        partition = partition_of(key or b"", PARTITIONS)
    return Appended(key, value, headers, timestamp, offset, partition)


def play_json(**changes: object) -> bytes:
    """A good play with `changes`; a field changed to `...` is left out."""
    fields = {name: value for name, value in (PLAY | changes).items() if value is not ...}
    return json.dumps(fields, ensure_ascii=False).encode("utf-8", "surrogatepass")
