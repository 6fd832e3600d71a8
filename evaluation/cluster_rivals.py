"""What clusters are measured against, with the same number of clusters and on the same tracks."""

from __future__ import annotations

from typing import Final

import numpy as np
from river.cluster import KMeans
from scipy.cluster.vq import kmeans2, vq

from online_models.arrays import F64, I64
from online_models.clusters.track import AUDIO, LOGS

RESTARTS_N: Final = 3
"""Of which the one with the least sum of squares counts."""
STEPS_N: Final = 30
RIVER_HALFLIFE: Final = 0.02
"""Step of a centre towards a track; that of the measurement of River's clusterers from which this rival comes."""


def standardised(numbers: F64) -> F64:
    """Columns (n, d) with mean 0 and deviation 1; unknown values are average, constant columns 0."""
    known = np.isfinite(numbers)
    n = np.maximum(known.sum(axis=0), 1)
    centred = np.where(known, numbers - np.where(known, numbers, 0.0).sum(axis=0) / n, 0.0)
    deviation = np.sqrt((centred**2).sum(axis=0) / n)
    return np.asarray(centred / np.where(deviation > 0.0, deviation, 1.0), dtype=np.float64)


def plain_audio(numbers: F64) -> F64:
    """The ten audio features standardised as the catalogue has them (n, 10), out of a track's numbers (n, 11)."""
    plain = numbers[:, : len(AUDIO)].copy()
    for i, name in enumerate(AUDIO):
        if name in LOGS:
            plain[:, i] = np.exp(plain[:, i]) - LOGS[name]
    return standardised(plain)


def batch_kmeans(points: F64, k: int, seed: int) -> I64:
    """Clusters (n,) by k-means with all points at hand: k-means++, the best of several restarts."""
    best: tuple[float, F64] | None = None
    for restart in range(RESTARTS_N):
        centres, _ = kmeans2(points, k, iter=STEPS_N, minit="++", seed=np.random.default_rng([seed, restart]))
        squares = float((vq(points, centres)[1] ** 2).sum())
        if best is None or squares < best[0]:
            best = squares, centres
    assert best is not None, "there are restarts"
    return vq(points, best[1])[0].astype(np.int64)


def river_kmeans(points: F64, order: I64, k: int, seed: int) -> I64:
    """Clusters (n,) by River's KMeans after it learned all points in `order`; sigma as wide as standardised points lie."""
    model = KMeans(n_clusters=k, halflife=RIVER_HALFLIFE, mu=0.0, sigma=1.0, seed=seed)
    rows = [dict(enumerate(row)) for row in points.tolist()]
    for i in order.tolist():
        model.learn_one(rows[i])
    return np.array([model.predict_one(row) for row in rows], dtype=np.int64)
