"""How long a track is, where the log does not say: by how long it was heard before."""

from __future__ import annotations

from bisect import insort
from typing import Final

PLAYS_MIN: Final = 3
"""Plays before which nothing is said of a track."""
HEARD_OUT: Final = 0.9
"""Share of its length that a track is heard at least when it was heard out, as in the contract of a play."""


class Lengths:
    """Median seconds of each track's plays so far: most people hear most tracks out, so that is about its length."""

    def __init__(self) -> None:
        self._heard: dict[int, list[float]] = {}

    def length_s(self, track: int) -> float | None:
        """None before PLAYS_MIN plays."""
        heard = self._heard.get(track, [])
        return heard[len(heard) // 2] if len(heard) >= PLAYS_MIN else None

    def learn(self, track: int, seconds: float) -> None:
        """One more play."""
        insort(self._heard.setdefault(track, []), seconds)


def heard_out(seconds: float, length_s: float | None) -> bool | None:
    """None when the length is not known.

    >>> heard_out(200.0, 210.0), heard_out(100.0, 210.0), heard_out(100.0, None)
    (True, False, None)
    """
    return None if length_s is None else seconds >= HEARD_OUT * length_s
