"""A track's row as the fold of its items: counts, and the bounded table of what follows it."""

from __future__ import annotations

from typing import NamedTuple

from tests.oracle.fold import Item
from tests.oracle.names import unsigned
from tests.oracle.people import FINISHED, SKIPPED

ENTRIES = 64


class Entry(NamedTuple):
    """One follower. Entries compare as the rule wants it: the weakest first, of equals the oldest, then the smaller hash."""

    weight: int
    at_s: int
    """Newest time."""
    rank: int
    """The hash, unsigned."""
    n: int
    """Transitions of any lag."""
    dst: int


class Track:
    """One track's row."""

    __slots__ = ("duration_s", "finishes", "name", "plays", "skips", "table", "transitions", "weight")

    def __init__(self) -> None:
        self.name: bytes = b""
        self.plays = self.skips = self.finishes = self.transitions = self.weight = self.duration_s = 0
        self.table: dict[int, Entry] = {}

    def count(self, item: Item) -> None:
        """A count item: the track was played."""
        self.name = item[7]
        self.duration_s = item[6] or self.duration_s
        self.plays += 1
        self.skips += 1 if item[5] & SKIPPED else 0
        self.finishes += 1 if item[5] & FINISHED else 0

    def follow(self, item: Item) -> None:
        """A transition item: something was played after the track."""
        dst, at_s, weight = item[1], item[2], item[3]
        self.transitions += 1
        self.weight += weight
        entry = self.table.get(dst)
        if entry is None:
            self._enter(dst, weight, at_s)
        elif entry.weight + weight > 0:
            self.table[dst] = Entry(entry.weight + weight, max(entry.at_s, at_s), entry.rank, entry.n + 1, dst)
        else:
            del self.table[dst]

    def _enter(self, dst: int, weight: int, at_s: int) -> None:
        if weight <= 0:
            return
        if len(self.table) == ENTRIES:
            del self.table[min(self.table.values()).dst]
        self.table[dst] = Entry(weight, at_s, unsigned(dst), 1, dst)
