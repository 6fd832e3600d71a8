"""A track's row as the fold of its items: counts, who was played near it, the sessions and the people that played it, and its vector.

An artist's row, or an album's, is one with plays, and as neighbours the tracks that are theirs, whose counts fade.

Single precision is part of the rule: which neighbour is the weakest depends on every rounding.
"""

from __future__ import annotations

from collections import deque
from math import exp

import numpy as np

from tests.oracle.fold import Item
from tests.oracle.names import unsigned
from tests.oracle.people import BEFORE, FINISHED, GAPLESS, MADE, ON_ALBUM, SKIPPED, WINDOW

ENTRIES, VISITS, LISTENERS = 48, 16, 32
"""Of the preset `fast`."""
FRESH_S = 60 * 24 * 3600
NEAR_KEPT = 0.9
DAY_S, KEPT_A_DAY, FADED_DAYS = 24 * 3600, 0.97716, 1_000
BITS = 64
F = np.float32
NEXT, NEAR_BY, BACK, AROUND, SKIP_ONE, UNBROKEN, PEOPLE, FRESH = range(8)


class Neighbour:
    """One track that was played near it."""

    __slots__ = ("at_s", "counts", "dst", "person")

    def __init__(self, dst: int) -> None:
        self.dst = dst
        self.counts = [F(0)] * 8
        self.at_s = self.person = 0

    @property
    def strength(self) -> np.float32:
        """What decides who gives way."""
        return self.counts[NEAR_BY] + self.counts[BACK]


class Visit:
    """One session that played it, and the low 16 bits of what that session played after it, by lag."""

    __slots__ = ("after", "session")

    def __init__(self, session: int) -> None:
        self.session = session
        self.after = [0] * WINDOW


class Track:
    """One track's row."""

    __slots__ = (
        "artist", "duration_s", "faded_s", "finishes", "followed", "listeners", "name", "near", "plays", "preceded", "skips", "totals",
        "vector", "visits",
    )  # fmt: skip

    def __init__(self) -> None:
        self.name: bytes = b""
        self.faded_s = 0
        self.plays = self.skips = self.finishes = self.followed = self.preceded = self.duration_s = self.artist = 0
        self.near: list[Neighbour] = []
        """Strongest first."""
        self.totals = [F(0)] * 8
        self.vector = np.zeros(BITS, F)
        self.visits: deque[Visit] = deque(maxlen=VISITS)
        self.listeners: deque[int] = deque(maxlen=LISTENERS)
        """The first half of their sessions' tags; oldest first."""

    def take(self, item: Item) -> None:
        """Fold one item in."""
        if item[5] == 0:
            self._count(item)
        elif item[6] & (MADE | ON_ALBUM):
            self._made(item)
        elif item[6] & BEFORE:
            self.preceded += 1
            self._meet(item, backward=True)
        else:
            self.followed += 1
            self._meet(item, backward=False)

    def _count(self, item: Item) -> None:
        self.name = item[7]
        self.duration_s = item[4] or self.duration_s
        self.artist = item[1] or self.artist
        self.plays += 1
        self.skips += 1 if item[6] & SKIPPED else 0
        self.finishes += 1 if item[6] & FINISHED else 0
        if item[3]:
            self.visits.append(Visit(item[3]))
            if not item[6] & SKIPPED and item[3] >> 16 not in self.listeners:
                self.listeners.append(item[3] >> 16)

    def _made(self, item: Item) -> None:
        """Whole days fade what was counted before."""
        days = max((item[2] - self.faded_s) // DAY_S, 0)
        self.faded_s += days * DAY_S
        kept = F(1)
        for _ in range(min(days, FADED_DAYS)):
            kept *= F(KEPT_A_DAY)
        for entry in self.near:
            entry.counts[NEAR_BY] *= kept
        self.totals[NEAR_BY] *= kept
        self.plays += 1
        entry = self._entry(item[1])
        self._add(entry, NEAR_BY, 1.0)
        self._rise(entry)

    def _meet(self, item: Item, *, backward: bool) -> None:
        src, dst, lag = item[0], item[1], item[5]
        if src == dst or item[6] & SKIPPED:
            return
        entry = self._entry(dst)
        met = entry.strength
        if backward:
            self._add(entry, BACK, 1.0 / lag)
        else:
            self._after(entry, item)
        self._add(entry, AROUND, NEAR_KEPT ** (lag - 1))
        self._rise(entry)
        weight = F(1) / (F(lag) * np.sqrt(F(1) + met))
        signs = [F(1) if unsigned(dst) >> bit & 1 else F(-1) for bit in range(BITS)]
        self.vector += weight * np.array(signs, F)
        if not backward:
            self._lead_on(item[3], lag, dst)

    def _after(self, entry: Neighbour, item: Item) -> None:
        at_s, person, lag, flags = item[2], item[4], item[5], item[6]
        if lag == 1:
            self._add(entry, NEXT, 1.0)
            if flags & GAPLESS:
                self._add(entry, UNBROKEN, 1.0)
            if entry.person != person:
                self._add(entry, PEOPLE, 1.0)
            entry.counts[FRESH] = entry.counts[FRESH] * F(exp(-F(max(at_s - entry.at_s, 0)) / F(FRESH_S))) + F(1)
            entry.at_s, entry.person = at_s, person
        elif lag == 2:
            self._add(entry, SKIP_ONE, 1.0)
        self._add(entry, NEAR_BY, 1.0 / lag)

    def _add(self, entry: Neighbour, kind: int, weight: float) -> None:
        entry.counts[kind] += F(weight)
        self.totals[kind] += F(weight)

    def _entry(self, dst: int) -> Neighbour:
        """The neighbour `dst`; a new one takes the place of the weakest where the row is full."""
        for entry in self.near:
            if entry.dst == dst:
                return entry
        if len(self.near) == ENTRIES:
            self.near.pop()
        self.near.append(Neighbour(dst))
        return self.near[-1]

    def _rise(self, entry: Neighbour) -> None:
        """It goes before all that are not stronger."""
        place = self.near.index(entry)
        while place > 0 and self.near[place - 1].strength <= entry.strength:
            self.near[place], self.near[place - 1] = self.near[place - 1], entry
            place -= 1

    def _lead_on(self, session: int, lag: int, dst: int) -> None:
        for visit in reversed(self.visits):
            if visit.session == session:
                visit.after[lag - 1] = visit.after[lag - 1] or dst & 0xFFFF
                return
