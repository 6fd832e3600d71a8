"""How likely an entry was to stand where it stands, as a number and as the text of a list.

The kernel that writes lists copies these texts, and `short_lists.py` makes them anew: one home, so that both give the same bytes.
"""

from __future__ import annotations

from typing import Final

import msgspec

CERTAIN: Final = 1.0
"""Nothing else could have stood there."""

number: Final = msgspec.json.Encoder().encode
"""The shortest text that reads back as the same number."""


def of_best(explore_share: float) -> float:
    """Of the best track for a place that was not explored.

    >>> of_best(0.05)
    0.95
    """
    return round(1.0 - explore_share, 12)


def of_drawn(explore_share: float, n_candidates: int) -> float:
    """Of a track that was drawn from `n_candidates`.

    >>> of_drawn(0.05, 200)
    0.00025
    """
    return explore_share / n_candidates
