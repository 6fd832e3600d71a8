"""What lists show of a catalogue: coverage, concentration, novelty."""

from __future__ import annotations

from typing import Any

import numpy as np

from evaluation.log import Log
from online_models.arrays import F64, I64


def breadth(log: Log, listed: I64) -> dict[str, Any]:
    """Of all tracks that were ever played, given how often each was `listed` (n_tracks,); {} where nothing was.

    `coverage` is the share of them that was listed at all, `gini` 0 where all were listed alike and 1 where one was listed
    alone, `novelty` the mean of -log2 of a listed track's share of all plays: bits, so 1 more is half as popular.
    """
    if not listed.sum():
        return {}
    share = np.bincount(log.track, minlength=log.n_tracks) / log.n
    found = {
        "coverage": round(float((listed > 0).mean()), 5),
        "track_gini": round(gini(listed), 5),
        "novelty_bits": round(float((listed * -np.log2(share)).sum() / listed.sum()), 3),
    }
    if log.artist is not None and (log.artist >= 0).any():
        known = log.artist >= 0
        per_artist = np.bincount(log.artist[known], listed[known])
        found["artist_gini"] = round(gini(per_artist[np.unique(log.artist[known])]), 5)
    return found


def gini(count: I64 | F64) -> float:
    """Gini's coefficient of counts (n,), zeros included.

    >>> gini(np.array([5, 5, 5, 5])), gini(np.array([0, 0, 0, 9]))
    (0.0, 0.75)
    """
    n, ordered = len(count), np.sort(count).astype(np.float64)
    return float((2 * np.arange(1, n + 1) - n - 1) @ ordered / (n * ordered.sum()))
