"""Whose order of a user's newest tracks puts first what they will play most? nDCG@10 of each moment, gains are the plays that came.

Tracks of which the same is expected share their places: what each of them gains is the mean over all their orders (McSherry and
Najork, Computing Information Retrieval Performance Measures Efficiently in the Presence of Tied Scores, 2008). So who expects
the same of all tracks of a user ranks them as chance does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from evaluation.bootstrap import ahead
from evaluation.count_rivals import Asked
from evaluation.log import dense
from online_models.arrays import F64, I32, I64

CUT: Final = 10
"""Places that count; up to 50 tracks are ranked."""


def ndcg(score: F64, plays: F64, moment: I64) -> F64:
    """nDCG@10 of each moment (m,), in order of first appearance, its pairs (k,) ranked by `score`; NaN where none of them was played.

    >>> ndcg(np.array([0.9, 0.1, 0.5, 0.5]), np.array([0.0, 1.0, 0.0, 1.0]), np.array([7, 7, 9, 9])).round(3).tolist()
    [0.631, 0.815]
    """
    group = dense(moment)
    best = _gained(plays, plays, group)
    return _gained(score, plays, group) / np.where(best > 0.0, best, np.nan)


def _gained(score: F64, plays: F64, group: I32) -> F64:
    """Discounted plays per group (m,), highest score first."""
    order = np.lexsort((-score, group))
    of, by = group[order], score[order]
    place = np.arange(len(of)) - np.searchsorted(of, of)
    discount = np.where(place < CUT, 1.0 / np.log2(place + 2.0), 0.0)
    tie = np.cumsum((np.diff(of, prepend=-1) != 0) | (np.diff(by, prepend=np.nan) != 0.0)) - 1
    shared = np.bincount(tie, discount) / np.bincount(tie)
    return np.bincount(of, shared[tie] * plays[order]).astype(np.float64)


def compared(questions: Asked, said: F64, rivals: Mapping[str, F64], half: int, seed: int) -> dict[str, Any]:
    """How `said` (k,) ranks beside each rival (k,), from question `half` on, at the moments behind which an asked track came.

    {} where there is none. A moment on both sides of `half` counts whole.
    """
    tested = questions.row >= questions.row[half]
    plays, moment = questions.plays[tested], questions.row[tested]
    mine = ndcg(said[tested], plays, moment)
    judged = ~np.isnan(mine)
    if not judged.any():
        return {}
    user, mine = questions.user[tested][np.unique(moment, return_index=True)[1]][judged], mine[judged]
    theirs = {name: ndcg(score[tested], plays, moment)[judged] for name, score in rivals.items()}
    best = max(theirs, key=lambda name: float(theirs[name].mean()))
    found = {name: {"ndcg10": _round(their.mean()), "ahead": ahead(mine, their, user, seed)} for name, their in theirs.items()}
    return {
        "moments": len(mine),
        "ndcg10": _round(mine.mean()),
        "best_rival": best,
        "ahead_of_best": found[best]["ahead"],
        "rivals": found,
    }


def _round(value: float) -> float:
    return round(float(value), 5)
