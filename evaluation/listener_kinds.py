"""Are there kinds of listeners, or does a rule see them where none are? Kinds learned from two halves of the listeners, beside each other.

Both halves sort the same points, those of all listeners; k-means on the same points, with as many clusters, is the rival.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from scipy.cluster.vq import kmeans2

from evaluation.agreement import rand, table
from evaluation.segment_rivals import Questions
from online_models.arrays import F64, I64
from online_models.clusters.partition import nearest, squares
from online_models.segments.kinds import FEATURES, Kinds, ServedKinds, standard

HALVINGS: Final = 3
"""Ways of halving the listeners, each by a seed of its own."""


def kinds_of(questions: Questions, learned: Kinds, seed: int) -> dict[str, Any]:
    """The kinds as they are served, with the share that explores in each, and how far two halves of the listeners agree.

    Parameters
    ----------
    questions: of who explores, in order of asking; their points are those of the kinds.
    learned: from all listeners.
    """
    x = questions.x[:, [questions.features.index(name) for name in FEATURES]].astype(np.float64)
    served = learned.served()
    if not served.kinds:
        return {"number": 0}
    points, centres = _space(served, x)
    order = nearest(points, centres)
    told = [
        {"name": kind.name, "share": kind.share, "explore": round(float(questions.y[order == i].mean()), 4) if (order == i).any() else None}
        for i, kind in enumerate(served.kinds)
    ]
    agree, agree_k_means, numbers = [], [], []
    for n in range(HALVINGS):
        mine = np.random.default_rng([seed, n]).random(int(questions.user.max()) + 1)[questions.user] < 0.5
        halves = [_learned(x[half]) for half in (mine, ~mine)]
        if all(half.number for half in halves):
            numbers += [half.number for half in halves]
            agree.append(rand(table(*(_labels(half, x) for half in halves))))
            agree_k_means.append(rand(table(*(_k_means(points, half, learned.number, seed) for half in (mine, ~mine)))))
    whole = float(((points - points.mean(axis=0)) ** 2).sum())
    return {
        "number": learned.number,
        "kinds": told,
        "explained": round(1.0 - squares(points, centres) / whole, 4),
        "halves": {"numbers": numbers, "adjusted_rand": [round(value, 4) for value in agree]},
        "k_means": {"adjusted_rand": [round(value, 4) for value in agree_k_means]},
    }


def _learned(x: F64) -> Kinds:
    kinds = Kinds()
    for point in x.tolist():
        kinds.learn_one(dict(zip(FEATURES, point, strict=True)))
    return kinds


def _labels(kinds: Kinds, x: F64) -> I64:
    return nearest(*_space(kinds.served(), x))


def _space(served: ServedKinds, x: F64) -> tuple[F64, F64]:
    """Listeners `x` (m, d) where distances are taken, and the centres (k, d) of the kinds."""
    points = standard(x, np.array(served.mean), np.array(served.deviation))
    return points, np.array([kind.centre for kind in served.kinds])


def _k_means(points: F64, half: np.ndarray, k: int, seed: int) -> I64:
    """Labels of all points by the batch clusters of a half (Lloyd, from k-means++)."""
    centres = kmeans2(points[half], k, minit="++", rng=np.random.default_rng(seed))[0]
    return nearest(points, centres)
