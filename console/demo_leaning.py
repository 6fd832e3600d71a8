"""Which genre of the invented catalogue a listener leans to: the demo's own reckoning, no model's."""

from __future__ import annotations

from typing import Final

from console.audience import Listen
from console.audience_catalogue import GENRES

KEPT_SHARE: Final = 0.93
"""Of the weight so far, per play: half is of the last ten, so that a new mood shows within a session."""


class Leaning:
    """Decayed sums, per genre, of the share of each track that was heard."""

    def __init__(self) -> None:
        self._weights = [0.0] * len(GENRES)

    def learn_one(self, listen: Listen) -> None:
        """A play; a skip counts next to nothing."""
        self._weights = [weight * KEPT_SHARE for weight in self._weights]
        self._weights[listen.track.genre] += listen.ms_played / listen.track.duration_ms

    def top(self) -> tuple[int, float] | None:
        """The heaviest genre and its share in [0, 1]; None before anything was heard."""
        total = sum(self._weights)
        if not total:
            return None
        genre = max(range(len(GENRES)), key=lambda each: self._weights[each])
        return genre, self._weights[genre] / total
