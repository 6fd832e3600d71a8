"""How lists are looked at: one place of one list, or none, and the nearer the top the likelier.

The position-based model (Craswell et al., "An experimental comparison of click position-bias models", WSDM 2008):
a track is taken from a list when its place is looked at and it is wanted, two independent chances. One place at most is
looked at per play, so the chance that the next play comes from a list is the *sum* over its places of both chances multiplied:
that sum is what a list is worth, and the best list is the best tracks in order.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from benchmarks.simulator.tracks import F64, I64

PLACES: Final = 20
LOOKED_AT: Final = (0.30, 0.20)
"""Of the plays, before how many the listener looks at `next`, at `discover`."""
LISTS: Final = ("next", "discover")

_BY_PLACE: Final = 1.0 / np.arange(1, PLACES + 1)
EXAMINED: Final[F64] = np.outer(LOOKED_AT, _BY_PLACE / _BY_PLACE.sum())
"""(2, PLACES) chance that the place is the one that is looked at."""
_REACHED: Final[F64] = EXAMINED.ravel().cumsum()


class Shown(NamedTuple):
    """What a listener has before them."""

    lists: tuple[I64, I64]
    """`next` and `discover`, track numbers, best first."""
    recommendation_id: str = ""


NOTHING: Final = Shown((np.zeros(0, np.int64), np.zeros(0, np.int64)))


def looked_at(shown: Shown, chance: float) -> tuple[int, int, int]:
    """(list, place, track) that the listener's eye falls on, (-1, -1, -1) = on none; `chance` is uniform in [0, 1).

    >>> looked_at(Shown((np.array([7, 8]), np.array([9]))), 0.0)
    (0, 0, 7)
    >>> looked_at(Shown((np.array([7, 8]), np.array([9]))), 0.31)
    (1, 0, 9)
    >>> looked_at(Shown((np.array([7, 8]), np.array([9]))), 0.99)
    (-1, -1, -1)
    """
    k = int(np.searchsorted(_REACHED, chance, side="right"))
    which, place = divmod(k, PLACES)
    if which >= len(LISTS) or place >= len(shown.lists[which]):
        return -1, -1, -1
    return which, place, int(shown.lists[which][place])


def worth(which: int, tracks: I64, wanted: F64) -> float:
    """The chance that the next play comes from this list; `wanted` (n,) is the chance that each track is taken when looked at."""
    return float(EXAMINED[which, : len(tracks)] @ wanted[tracks])


def best_worth(which: int, wanted: F64, free: F64) -> float:
    """What the best possible list is worth, of the tracks whose `free` (n,) is 1."""
    chances = wanted * free
    n = min(PLACES, len(chances))
    best = np.sort(np.partition(chances, len(chances) - n)[len(chances) - n :])[::-1]
    return float(EXAMINED[which, :n] @ best)
