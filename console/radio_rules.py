"""How far a radio may go: what the command asks for, without the kernels that play it."""

from __future__ import annotations

from typing import Final, NamedTuple

LENGTH: Final = 50
DRIFT: Final = 0.5
"""Measured in docs/explanations.md: half of how near the seed's surroundings are keeps a radio of 50 there, and it seldom runs dry."""
SPACING: Final = 5
SPACING_MAX: Final = 20


class Rules(NamedTuple):
    """Of one radio."""

    length: int = LENGTH
    spacing: int = SPACING
    """An artist does not come back within so many tracks."""
    drift: float = DRIFT
    """0 = at least as near to the seed as its surroundings are on average, 1 = anywhere."""
