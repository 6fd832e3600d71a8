"""Which member to believe: a softmax over their log-probabilities, learned from what each said before it knew (Wolpert, 1992).

score(genre) = bias(genre) + sum over members of (trust + trust(situation)) x ln p(genre) + sum over members and genres of table x ln p

Trust starts equal: before the first lesson the ensemble is the members' geometric mean. The situation is how well the track's artist
is known, because names tell more than sound where they tell anything.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from online_models.arrays import F64
from online_models.genres.members import Arrays
from online_models.genres.sizes import GENRES_MAX
from online_models.genres.softmax import to_chances
from online_models.kernel import kernel

SITUATIONS_N = 3
"""Nothing, little or much is known of the names."""
RATE = 0.05
"""Step of AdaGrad for trust and bias."""
TABLE_RATE = 0.01
"""Of the table, which has as many weights as the members have answers."""
SQUARE_START = 1.0
LEAST = 1e-4
"""A member's probability counts as this at least: one that is certain must not decide alone."""


class Weights(NamedTuple):
    """With AdaGrad's sums of squares."""

    trust: F64  # (SITUATIONS_N, members)
    trust_square: F64
    bias: F64  # (GENRES_MAX,)
    bias_square: F64
    table: F64  # (GENRES_MAX, members, GENRES_MAX)
    table_square: F64


@kernel
def _say(weights: Weights, situation: int, said: F64, n_genres: int, p: F64) -> None:
    for c in range(n_genres):
        p[c] = weights.bias[c]
        for m in range(said.shape[0]):
            p[c] += weights.trust[situation, m] * said[m, c]
            for k in range(n_genres):
                p[c] += weights.table[c, m, k] * said[m, k]
    to_chances(p, n_genres)


@kernel
def _learn(weights: Weights, situation: int, said: F64, y: int, n_genres: int, p: F64) -> None:
    _say(weights, situation, said, n_genres, p)
    for c in range(n_genres):
        p[c] -= 1.0 if c == y else 0.0
        weights.bias_square[c] += p[c] * p[c]
        weights.bias[c] -= RATE * p[c] / np.sqrt(weights.bias_square[c])
    for m in range(said.shape[0]):
        gradient = 0.0
        for c in range(n_genres):
            gradient += p[c] * said[m, c]
            for k in range(n_genres):
                slope = p[c] * said[m, k]
                weights.table_square[c, m, k] += slope * slope
                weights.table[c, m, k] -= TABLE_RATE * slope / np.sqrt(weights.table_square[c, m, k])
        weights.trust_square[situation, m] += gradient * gradient
        weights.trust[situation, m] -= RATE * gradient / np.sqrt(weights.trust_square[situation, m])


class Stack:
    """Combines `n_members`."""

    def __init__(self, n_members: int) -> None:
        trust, table = (SITUATIONS_N, n_members), (GENRES_MAX, n_members, GENRES_MAX)
        self._weights = Weights(
            np.full(trust, 1.0 / n_members),
            np.full(trust, SQUARE_START),
            np.zeros(GENRES_MAX),
            np.full(GENRES_MAX, SQUARE_START),
            np.zeros(table),
            np.full(table, SQUARE_START),
        )
        self._p: F64 = np.zeros(GENRES_MAX)

    def learn_one(self, said: F64, situation: int, y: int, n_genres: int) -> None:
        """Learn that genre `y` came true where members had said `said` (members, genres)."""
        _learn(self._weights, situation, np.log(np.maximum(said, LEAST)), y, n_genres, self._p)

    def say_one(self, said: F64, situation: int, n_genres: int, p: F64) -> None:
        """Fill `p[:n_genres]`; leaves no trace."""
        _say(self._weights, situation, np.log(np.maximum(said, LEAST)), n_genres, p)

    def arrays(self) -> Arrays:
        """All state, by name; writing into the arrays restores it."""
        return self._weights._asdict()
