"""A softmax over all columns, one AdaGrad step per lesson (Duchi, Hazan and Singer, JMLR 12, 2011)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from online_models.arrays import F32, F64
from online_models.genres.members import Arrays
from online_models.genres.sizes import GENRES_MAX
from online_models.genres.softmax import to_chances
from online_models.kernel import kernel

RATE = 0.1
"""Step of AdaGrad."""
SQUARE_START = 1.0
"""Sum of squares before the first lesson: the first steps are no longer than `RATE` of their gradient."""


class Weights(NamedTuple):
    """Of one column more than there are, which is always 1."""

    weight: F64  # (GENRES_MAX, columns + 1)
    square: F64  # (GENRES_MAX, columns + 1)


@kernel
def _say(weights: Weights, x: F32, n_columns: int, n_genres: int, p: F64) -> None:
    last = weights.weight.shape[1] - 1
    for c in range(n_genres):
        p[c] = weights.weight[c, last]
        for f in range(n_columns):
            p[c] += weights.weight[c, f] * x[f]
    to_chances(p, n_genres)


@kernel
def _step(weights: Weights, c: int, f: int, gradient: float) -> None:
    weights.square[c, f] += gradient * gradient
    weights.weight[c, f] -= RATE * gradient / np.sqrt(weights.square[c, f])


@kernel
def _learn(weights: Weights, x: F32, y: int, n_columns: int, n_genres: int, p: F64) -> None:
    _say(weights, x, n_columns, n_genres, p)
    last = weights.weight.shape[1] - 1
    for c in range(n_genres):
        error = p[c] - (1.0 if c == y else 0.0)
        for f in range(n_columns):
            _step(weights, c, f, error * x[f])
        _step(weights, c, last, error)


class Linear:
    """Keeps the promises of `Member`."""

    def __init__(self, n_columns_max: int) -> None:
        shape = (GENRES_MAX, n_columns_max + 1)
        self._weights = Weights(np.zeros(shape), np.full(shape, SQUARE_START))
        self._p: F64 = np.zeros(GENRES_MAX)

    def learn_one(self, x: F32, y: int, n_genres: int) -> None:
        """See `Member`. Columns of genres that are not known are 0 and teach nothing."""
        _learn(self._weights, x, y, len(x), n_genres, self._p)

    def say_one(self, x: F32, n_genres: int, p: F64) -> None:
        """See `Member`."""
        _say(self._weights, x, len(x), n_genres, p)

    def is_sound(self) -> bool:
        """See `Member`."""
        return True

    def arrays(self) -> Arrays:
        """See `Member`."""
        return self._weights._asdict()
