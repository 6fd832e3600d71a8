"""A track's row as the fold of its items: counts, and the bounded table of what follows it."""

from __future__ import annotations

from tests.oracle.fold import Item
from tests.oracle.names import unsigned
from tests.oracle.people import FINISHED, SKIPPED

ENTRIES = 64


class Entry:
    """One follower: weight, transitions of any lag, newest time."""

    __slots__ = ("at_s", "count", "weight")

    def __init__(self, weight: int, at_s: int) -> None:
        self.weight, self.count, self.at_s = weight, 1, at_s


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
            entry.weight += weight
            entry.count += 1
            entry.at_s = max(entry.at_s, at_s)
        else:
            del self.table[dst]

    def _enter(self, dst: int, weight: int, at_s: int) -> None:
        if weight <= 0:
            return
        if len(self.table) == ENTRIES:
            table = self.table
            del table[min(table, key=lambda d: (table[d].weight, table[d].at_s, unsigned(d)))]
        self.table[dst] = Entry(weight, at_s)
