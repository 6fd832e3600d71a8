"""What a user decided about tracks: likes, dislikes and blocks, as docs/contract.md tells it, in plain Python."""

from __future__ import annotations

from typing import NamedTuple

MARKS = 64
FOR_EVER = 2**32 - 1
FILTER_BITS = 256 * 64
"""Of the filter of tracks that are hidden for good: 2 KB, four bits a track."""
MASK_64 = (1 << 64) - 1


class Mark(NamedTuple):
    """One decision; `until_s` of an unblock is 0."""

    kind: str
    track: int
    """Hash of the id; of a block of an artist, the artist's."""
    event: int
    """Low 32 bits of the hash of the event's id."""
    until_s: int = FOR_EVER

    def blocks(self, at_ms: int) -> bool:
        """Is it a block that has not ended?"""
        return self.is_block and at_ms < 1000 * self.until_s

    @property
    def is_block(self) -> bool:
        """Of a track, or of an artist?"""
        return self.kind in {"block", "block artist"}


class Filter:
    """A Bloom filter: it may take a track for one that it holds, and never misses one."""

    def __init__(self) -> None:
        self.bits = 0
        self.n = 0
        """Tracks that were put in."""

    @staticmethod
    def _mask(track: int) -> int:
        unsigned = track & MASK_64
        start, step = unsigned % FILTER_BITS, (unsigned >> 32) % FILTER_BITS | 1
        return sum({1 << (start + k * step) % FILTER_BITS for k in range(4)})

    def add(self, track: int) -> None:
        self.bits |= self._mask(track)
        self.n += 1

    def holds(self, track: int) -> bool:
        mask = self._mask(track)
        return self.bits & mask == mask


class Marks:
    """The decisions of one user: the newest `MARKS`, oldest first, and what gave way."""

    def __init__(self) -> None:
        self.kept: list[Mark] = []
        self.filter = Filter()

    def add(self, mark: Mark, at_ms: int) -> None:
        """Note a decision; where there is no room, the oldest of those that matter least gives way."""
        if len(self.kept) == MARKS:
            out = min(range(MARKS), key=lambda k: (self._matters(k, at_ms), k))
            gone = self.kept.pop(out)
            if gone.kind == "dislike" or gone.blocks(at_ms):
                self.filter.add(gone.track)
        self.kept.append(mark)

    def _matters(self, k: int, at_ms: int) -> int:
        mark = self.kept[k]
        later = [other.is_block for other in self.kept[k + 1 :] if other.track == mark.track]
        if any(mark.is_block or not is_block for is_block in later):
            return 0
        lets = not later and self.filter.holds(mark.track)
        if mark.kind == "like":
            return 4 if lets else 1
        if mark.kind == "dislike":
            return 2
        if mark.until_s == FOR_EVER:
            return 3
        return 4 if mark.blocks(at_ms) or (mark.until_s == 0 and lets) else 0

    def unblock(self, track: int, event: int, at_ms: int, kind: str = "block") -> None:
        """End the blocks of a track or an artist; nothing is noted where there are none."""
        if self.filter.holds(track) or any(mark.is_block and mark.track == track for mark in self.kept):
            self.add(Mark(kind, track, event, 0), at_ms)

    def undo(self, event: int) -> None:
        """Take a decision back."""
        self.kept = [mark for mark in self.kept if mark.event != event]

    def holds(self, track: int, at_ms: int) -> str:
        """`like`, `dislike`, `block` or nothing: what the user thinks of a track at a time."""
        own = [mark for mark in self.kept if mark.track == track]
        blocks = [mark for mark in own if mark.is_block]
        opinions = [mark for mark in own if not mark.is_block]
        if blocks and own[-1].is_block and blocks[-1].blocks(at_ms):
            return "block"
        if opinions:
            return opinions[-1].kind
        lifted = bool(blocks) and blocks[-1].until_s == 0
        return "block" if not lifted and self.filter.holds(track) else ""

    def hides(self, track: int, at_ms: int) -> bool:
        """Must no list of `at_ms` hold the track?"""
        return self.holds(track, at_ms) in {"dislike", "block"}
