"""How far a radio may go: what a command or an event asks for, without the kernels that play it."""

from __future__ import annotations

from typing import Final, NamedTuple

LENGTH: Final = 50
LENGTH_MAX: Final = 200
"""Bounds the work of one question: 200 tracks take four times as long as 50."""
DRIFT: Final = 0.5
"""Measured in docs/explanations.md: half of how near the seed's surroundings are keeps a radio of 50 there, and it seldom runs dry."""
SPACING: Final = 5
SEEDS_MAX: Final = 5
"""Tracks of an artist that a radio begins with."""
SPACING_MAX: Final = 20


class Rules(NamedTuple):
    """Of one radio."""

    length: int = LENGTH
    spacing: int = SPACING
    """An artist does not come back within so many tracks."""
    drift: float = DRIFT
    """0 = at least as near to the seed as its surroundings are on average, 1 = anywhere."""
