"""Do two ways of sorting the same things agree? From tables of counts, and how sure a difference is.

River has both scores, but not from tables: with weights they come out wrong or end the process (0.26.1: the adjusted Rand of four
equal cells is 1.03), and a bootstrap would update them 28,000 times per sample. A test holds these equal to River's.

References
----------
Vinh, Epps and Bailey (2010), Information theoretic measures for clusterings comparison: adjusted mutual information, by the mean of
both entropies. Hubert and Arabie (1985), Comparing partitions: adjusted Rand. Both are 0 by chance and 1 for the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from evaluation.bootstrap import PERCENTILES, RESAMPLES_N
from online_models.arrays import F64, I64

AT_ONCE: Final = 50
"""Resamples worked out together: 50 x 20,000 combinations are 8 MB."""


def table(*labels: I64) -> I64:
    """Counts of every combination of labels (n,), one axis each.

    >>> table(np.array([5, 5, 7]), np.array([0, 1, 1])).tolist()
    [[1, 1], [0, 1]]
    """
    codes = [np.unique(column, return_inverse=True)[1] for column in labels]
    shape = tuple(int(code.max()) + 1 for code in codes)
    return np.bincount(np.ravel_multi_index(codes, shape), minlength=int(np.prod(shape))).reshape(shape).astype(np.int64)


def rand(counts: I64) -> float:
    """Adjusted Rand of a table (a, b).

    >>> rand(np.array([[3, 0], [0, 3]])), round(rand(np.array([[5, 5], [5, 5]])), 3)
    (1.0, -0.056)
    """

    def pairs(n: I64) -> float:
        return float((n * (n - 1)).sum()) / 2.0

    both, left, right = pairs(counts), pairs(counts.sum(axis=1)), pairs(counts.sum(axis=0))
    chance = left * right / max(pairs(counts.sum(keepdims=True)), 1.0)
    most = (left + right) / 2.0
    return 1.0 if most == chance else (both - chance) / (most - chance)


def mutual_information(counts: I64) -> float:
    """Adjusted mutual information of a table (a, b).

    >>> mutual_information(np.array([[3, 0], [0, 3]]))
    1.0
    """
    return float(_adjusted(counts[None].astype(float), by_chance(counts))[0])


def _adjusted(counts: F64, chance: float) -> F64:
    """Of tables (m, a, b), given what chance alone would say (nats)."""
    entropy = _entropy(counts.sum(axis=2)), _entropy(counts.sum(axis=1))
    mutual = entropy[0] + entropy[1] - _entropy(counts.reshape(len(counts), -1))
    spare = (entropy[0] + entropy[1]) / 2.0 - chance
    same = np.abs(spare) < 1e-12
    return np.where(same, 1.0, (mutual - chance) / np.where(same, 1.0, spare))


def _entropy(counts: F64) -> F64:
    """Nats of each row (m, a)."""
    share = counts / counts.sum(axis=1, keepdims=True)
    return np.asarray(-(share * np.log(np.where(share > 0.0, share, 1.0))).sum(axis=1), dtype=np.float64)


def by_chance(counts: I64) -> float:
    """Nats that two labellings with these margins share if one is shuffled (Vinh et al., eq. 24a)."""
    n = int(counts.sum())
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    total = 0.0
    for a in counts.sum(axis=1).tolist():
        for b in counts.sum(axis=0).tolist():
            k = np.arange(max(1, a + b - n), min(a, b) + 1)
            ways = logs[a] + logs[b] + logs[n - a] + logs[n - b] - logs[n] - logs[k] - logs[a - k] - logs[b - k] - logs[n - a - b + k]
            total += float((k / n * np.log(n * k / (a * b)) * np.exp(ways)).sum())
    return total


def ahead(mine: I64, theirs: I64, target: I64, seed: int) -> list[float]:
    """[low, mean, high]: by how much more my labels (n,) say of the target's than theirs do, with a 95 % interval (paired bootstrap).

    What chance would say is taken of the whole: it depends on the margins alone, and these hardly move.
    """
    counts = table(mine, theirs, target)
    chance = by_chance(counts.sum(axis=1)), by_chance(counts.sum(axis=0))

    def difference(sample: F64) -> F64:
        return _adjusted(sample.sum(axis=2), chance[0]) - _adjusted(sample.sum(axis=1), chance[1])

    n, rng = int(counts.sum()), np.random.default_rng(seed)
    share = counts.ravel() / n
    drawn = (rng.multinomial(n, share, AT_ONCE).reshape(-1, *counts.shape).astype(float) for _ in range(RESAMPLES_N // AT_ONCE))
    low, high = np.percentile(np.concatenate([difference(sample) for sample in drawn]), PERCENTILES)
    return [round(float(value), 5) for value in (low, difference(counts[None].astype(float))[0], high)]


def spread(values: Sequence[float]) -> dict[str, float]:
    """Mean, least and most over seeds.

    >>> spread([1.0, 2.0, 3.0])
    {'mean': 2.0, 'least': 1.0, 'most': 3.0}
    """
    return {"mean": round(float(np.mean(values)), 5), "least": round(float(min(values)), 5), "most": round(float(max(values)), 5)}
