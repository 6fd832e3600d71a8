"""How sure a difference is: paired, and resampled by user, because a user's plays resemble one another.

Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13: percentile intervals.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from evaluation.log import dense
from evaluation.tally import per_play
from online_models.arrays import F64, I32, I64

RESAMPLES_N: Final = 2_000
PERCENTILES: Final = (2.5, 97.5)
AT_ONCE: Final = 50
"""Resamples worked out together: 50 x 100,000 users are 40 MB."""


def differences(mine: I32, theirs: I32, user: I32, seed: int) -> dict[str, list[float]]:
    """Per measure [low, mean, high]: mine minus theirs on the same plays (k,), with a 95 % interval.

    >>> ranks, user = np.array([1, 1, 0, 1] * 50, np.int32), np.arange(200, dtype=np.int32)
    >>> differences(ranks, np.zeros(200, np.int32), user, seed=1)["hr20"]
    [0.685, 0.75, 0.81]
    """
    if not len(user):
        return {}
    user = dense(user)
    ours, others = per_play(mine), per_play(theirs)
    n_users = int(user.max()) + 1
    # One row per user: plays, then the summed difference of each measure.
    sums = np.stack([np.bincount(user, minlength=n_users)] + [np.bincount(user, ours[m] - others[m], n_users) for m in ours], axis=1)
    totals = resampled(sums, seed)
    low, high = np.percentile(totals[:, 1:] / totals[:, :1], PERCENTILES, axis=0)
    mean = sums[:, 1:].sum(axis=0) / len(user)
    return {m: [round(float(v), 5) for v in three] for m, three in zip(ours, zip(low, mean, high, strict=True), strict=True)}


def saved(mine: F64, theirs: F64, user: I32, seed: int) -> list[float]:
    """[low, mean, high] share of their summed loss (k,) that mine (k,) saves on the same questions, with a 95 % interval.

    >>> saved(np.full(200, 0.75), np.full(200, 1.0), np.arange(200, dtype=np.int32), seed=1)
    [0.25, 0.25, 0.25]
    """
    user = dense(user)
    totals = resampled(np.stack([np.bincount(user, mine), np.bincount(user, theirs)], axis=1), seed)
    low, high = np.percentile(1.0 - totals[:, 0] / totals[:, 1], PERCENTILES)
    return [round(float(v), 5) for v in (low, 1.0 - mine.sum() / theirs.sum(), high)]


def ahead(mine: F64, theirs: F64, user: I32 | I64, seed: int) -> list[float]:
    """[low, mean, high] mine minus theirs, mean over the same questions (k,), with a 95 % interval.

    >>> ahead(np.full(200, 0.75), np.full(200, 0.5), np.arange(200, dtype=np.int32), seed=1)
    [0.25, 0.25, 0.25]
    """
    user = dense(user)
    totals = resampled(np.stack([np.bincount(user), np.bincount(user, mine - theirs)], axis=1), seed)
    low, high = np.percentile(totals[:, 1] / totals[:, 0], PERCENTILES)
    return [round(float(v), 5) for v in (low, float((mine - theirs).mean()), high)]


def resampled(sums: npt.NDArray[Any], seed: int) -> F64:
    """Totals (RESAMPLES_N, columns) over users drawn with replacement from `sums` (n_users, columns)."""
    n_users = len(sums)
    rng, share = np.random.default_rng(seed), np.full(n_users, 1 / n_users)
    return np.concatenate([rng.multinomial(n_users, share, AT_ONCE) @ sums for _ in range(RESAMPLES_N // AT_ONCE)])
