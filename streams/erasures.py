"""Users who asked to be forgotten, remembered without their names, so that a replay does not bring them back.

An `erase` is an event in the log: its fold deletes the user's key. A rebuild reads the user's plays once more
before it gets there; until then nothing of that user is published, and their hash in Redis holds the binary
row alone, which tracks and numbered items need to come out the same.

Each erasure has a key of its own on the compacted topic, `<keyed hash>-<offset>`. By user alone, compaction would keep
what was appended last: a zombie that publishes an older erasure after the newer one would make the newer one forgotten,
and a rebuild would publish what was played between the two.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from streams.ids import hash_field, id_hash
from streams.ports import Outgoing


class Erasure(msgspec.Struct, frozen=True, array_like=True):
    """One erase event, by the keyed hash of its user."""

    user: str
    """16 hex digits."""
    partition: int
    offset: int


class Erasures:
    """The newest erasure of each user that we know of."""

    def __init__(self, namespace: str, key: bytes) -> None:
        self._topic, self._key = f"{namespace}.internal.erasures", key
        self._offset: dict[tuple[int, str], int] = {}
        self._last: dict[int, int] = {}

    def of(self, user_id: str, partition: int, offset: int) -> Erasure:
        """The erasure that an erase event is."""
        return Erasure(hash_field(id_hash(user_id, self._key)), partition, offset)

    def record(self, erasure: Erasure) -> Outgoing:
        """The erasure as a record."""
        key = f"{erasure.user}-{erasure.offset}"  # never superseded: see above
        return Outgoing(self._topic, 0, key.encode(), msgspec.json.encode(erasure), [])

    def learn(self, values: Iterable[bytes | None]) -> None:
        """Take in what the topic holds, in any order: of each user the newest counts."""
        self.note(msgspec.json.decode(value, type=Erasure) for value in values if value)

    def note(self, erasures: Iterable[Erasure]) -> None:
        """Remember what we are about to publish: a replay may begin before the topic shows it."""
        for e in erasures:
            self._offset[e.partition, e.user] = max(e.offset, self._offset.get((e.partition, e.user), -1))
            self._last[e.partition] = max(e.offset, self._last.get(e.partition, -1))

    def are_ahead(self, partition: int, offset: int) -> bool:
        """Does the log of `partition` hold an erasure at or after `offset`?"""
        return self._last.get(partition, -1) >= offset

    def is_hidden(self, user_id: str, partition: int, offset: int) -> bool:
        """Will this user be erased further on?"""
        user = hash_field(id_hash(user_id, self._key))
        return offset < self._offset.get((partition, user), -1)
