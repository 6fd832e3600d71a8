"""A user's past as their row keeps it: the newest plays one by one, what came before them as sums."""

from __future__ import annotations

from typing import NamedTuple

from online_models.arrays import I64, U8


class Past(NamedTuple):
    """Arrays are oldest first."""

    track: I64  # (n,) keyed hashes
    at_ms: I64  # (n,)
    flags: U8  # (n,) of `online_models/items.py`
    plays: int
    finishes: int
    distinct: int
    """Tracks ever played, as far as a filter tells."""
    first_ms: int
    sessions: int

    @property
    def whole(self) -> bool:
        """Are all plays among the newest?"""
        return self.plays == len(self.track)
