"""Cutting points into clusters: bisection along the widest direction, Lloyd's steps, and the price of one cluster more or less.

How many is decided by one number: a further cluster must explain a share of the variance. Measured on 10 audio features of 28,356 tracks
the share that the k-th cluster explains is the same within 10 % for 1,000 and for 16,000 tracks, so neither the number nor the clusters
depend on how much was seen. Rules that ask how sure a cluster is (agreement of two halves, prediction strength) find 2 clusters
in 2,000 tracks and 20 in 16,000: each new one takes tracks away from those that people know.

References
----------
Su and Dy (2007), In search of deterministic methods for initializing k-means and Gaussian mixture clustering: the bisection.
Lloyd (1982), Least squares quantization in PCM.
Ward (1963), Hierarchical grouping to optimize an objective function: the price of a merge.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from scipy.cluster.vq import kmeans2, vq

from online_models.arrays import F64, I64

CLUSTERS_MAX: Final = 60
SPLIT_SHARE: Final = 0.010
"""Of the whole variance, that one more cluster must explain."""
MERGE_SHARE: Final = 0.004
"""A pair that would lose less than this by becoming one becomes one. Far below the other, so that no pair is split and merged in turn."""
SETTLE_STEPS: Final = 30
MEMBERS_MIN: Final = 8
"""Points that a half must have to be a cluster."""


class Cut(NamedTuple):
    """One cluster in two."""

    gain: float
    """Sum of squares that it takes away."""
    upper: I64
    """Members of the half beyond the cut."""
    lower: I64


def nearest(x: F64, centres: F64) -> I64:
    """Row of `centres` (k, d) next to each of `x` (m, d)."""
    return vq(x, centres)[0].astype(np.int64)


def squares(x: F64, centres: F64) -> float:
    """Sum of squared distances to the nearest centre."""
    return float((vq(x, centres)[1] ** 2).sum())


def settled(x: F64, centres: F64, steps: int) -> F64:
    """Centres after so many of Lloyd's steps; one without members stays where it is."""
    return kmeans2(x, centres, iter=steps, minit="matrix", missing="warn")[0]


def cut(x: F64, members: I64) -> Cut:
    """The best cut of `members` across the direction in which they spread most."""
    y = x[members] - x[members].mean(axis=0)
    along = y @ np.linalg.eigh(y.T @ y)[1][:, -1]
    order = np.argsort(along, kind="stable")
    total, n = np.cumsum(y[order], axis=0), np.arange(1, len(y))
    # Centred: the sums of both sides of a cut are opposite, so one of them tells the gain of all cuts.
    gains = (total[:-1] ** 2).sum(axis=1) * (1.0 / n + 1.0 / n[::-1])
    gains[: MEMBERS_MIN - 1] = gains[len(gains) - MEMBERS_MIN + 1 :] = 0.0
    at = int(gains.argmax())
    return Cut(float(gains[at]), members[order[at + 1 :]], members[order[: at + 1]])


def bisected(x: F64, share: float = SPLIT_SHARE) -> F64:
    """Centres (k, d): whatever explains most is cut; every cluster explains this `share` of the variance at least."""
    least = share * float(((x - x.mean(axis=0)) ** 2).sum())
    leaves = [(np.arange(len(x)), _cut_or_none(x, np.arange(len(x))))]
    while len(leaves) < CLUSTERS_MAX:
        at = max(range(len(leaves)), key=lambda i: (leaves[i][1].gain, -i))
        best = leaves[at][1]
        if best.gain < least or best.gain == 0.0:
            break
        leaves[at : at + 1] = [(half, _cut_or_none(x, half)) for half in (best.lower, best.upper)]
    return _pruned(x, settled(x, np.array([x[members].mean(axis=0) for members, _ in leaves]), SETTLE_STEPS), least)


def _pruned(x: F64, centres: F64, least: float) -> F64:
    """A cut may go through a cluster that is whole: pairs that explain too little are joined again, then all settle."""
    n = np.bincount(nearest(x, centres), minlength=len(centres)).astype(float)
    while len(centres) > 1:
        i, j, price = cheapest_merge(centres, n)
        if price >= least:
            break
        centres[i], n[i] = (n[i] * centres[i] + n[j] * centres[j]) / max(n[i] + n[j], 1.0), n[i] + n[j]
        centres, n = np.delete(centres, j, axis=0), np.delete(n, j)
    return settled(x, centres, SETTLE_STEPS)


def _cut_or_none(x: F64, members: I64) -> Cut:
    return cut(x, members) if len(members) >= 2 * MEMBERS_MIN else Cut(0.0, members, members[:0])


def dearest_split(x: F64, labels: I64, k: int) -> tuple[int, Cut]:
    """The cluster whose cut explains most, and the cut."""
    cuts = [_cut_or_none(x, np.flatnonzero(labels == i)) for i in range(k)]
    at = max(range(k), key=lambda i: (cuts[i].gain, -i))
    return at, cuts[at]


def cheapest_merge(centres: F64, n: F64) -> tuple[int, int, float]:
    """The pair (i < j) that loses least by becoming one, and the sum of squares it loses; needs two centres."""
    apart = ((centres[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2)
    price = apart * np.outer(n, n) / np.maximum(n[:, None] + n[None, :], 1.0)
    price[np.tril_indices(len(n))] = np.inf
    i, j = np.unravel_index(int(price.argmin()), price.shape)
    return int(i), int(j), float(price[i, j])
