"""Where each play stood in the list that was made before it, and what was listed how often."""

from __future__ import annotations

from typing import Final

import numpy as np

from evaluation.log import Log
from online_models.arrays import F64, I32, I64
from online_models.rank import LENGTH

NOT_LISTED: Final = 0
"""Rank of a play that was not in the list."""
NONE: Final = -1
"""Stands in a list where there is no entry."""
CUTS: Final = {"hr1": 1, "hr10": 10, "hr20": 20}
MEASURES: Final = ("hr1", "hr10", "hr20", "mrr20", "ndcg10")


class Tally:
    """Takes the lists of a contender block by block.

    Parameters
    ----------
    counted: rows (n,) whose lists are looked at for coverage and concentration.
    """

    def __init__(self, log: Log, counted: np.ndarray) -> None:
        self._log, self._counted = log, counted
        self.rank: I32 = np.zeros(log.n, np.int32)
        """(n,) 1..LENGTH, or NOT_LISTED."""
        self.listed: I64 = np.zeros(log.n_tracks, np.int64)
        """(n_tracks,) entries of counted lists."""

    def take(self, rows: I64, lists: I32) -> None:
        """`lists` (k, LENGTH) track codes, best first, NONE behind the last: what was live before the plays `rows` (k,)."""
        hit = lists == self._log.track[rows, None]
        self.rank[rows] = np.where(hit.any(axis=1), hit.argmax(axis=1) + 1, NOT_LISTED)
        seen = lists[self._counted[rows]]
        self.listed += np.bincount(seen[seen >= 0], minlength=self._log.n_tracks)


def per_play(rank: I32) -> dict[str, F64]:
    """Every measure of each play (k,): hit rates, reciprocal rank, and nDCG where one track is right.

    >>> {name: values.round(3).tolist() for name, values in per_play(np.array([1, 12, 0], np.int32)).items()}
    {'hr1': [1.0, 0.0, 0.0], 'hr10': [1.0, 0.0, 0.0], 'hr20': [1.0, 1.0, 0.0], 'mrr20': [1.0, 0.083, 0.0], 'ndcg10': [1.0, 0.0, 0.0]}
    """
    found: dict[str, F64] = {name: ((rank > 0) & (rank <= cut)).astype(np.float64) for name, cut in CUTS.items()}
    place = np.where((rank > 0) & (rank <= LENGTH), rank, 1).astype(np.float64)
    found["mrr20"] = found["hr20"] / place
    found["ndcg10"] = found["hr10"] / np.log2(place + 1)
    return found


def means(rank: I32) -> dict[str, float | None]:
    """Means over plays; None where there are none."""
    return {name: round(float(values.mean()), 5) if len(values) else None for name, values in per_play(rank).items()}
