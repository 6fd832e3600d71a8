"""Gradient boosting that never ends: the oldest round is taken back and grown anew on what the others leave unexplained.

Rounds are small trees with a vector of scores in each leaf (Friedman, Annals of Statistics 29, 2001: splits explain the residuals'
variance, leaves take a Newton step). Taking one out and fitting it again to the rest is backfitting (Hastie and Tibshirani, 1990).
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from online_models.arrays import F32, F64, I16, I64
from online_models.genres.chance import U64, draw
from online_models.genres.members import Arrays
from online_models.genres.memory import Memory, Past
from online_models.genres.sizes import GENRES_MAX
from online_models.genres.softmax import to_chances
from online_models.genres.trees import LEAF, Bench, Nodes, Rule, are_sound, grow, leaf_of, new_bench
from online_models.kernel import kernel

ROUNDS_N: Final = 100
RENEW: Final = 75
RENEW_YOUNG: Final = 10
YOUNG: Final = 1_000
DRAWN_N: Final = 3_000
"""Lessons, with return, that a round is grown on; only their scores are worked out."""
RULE: Final = Rule(features_k=8, thresholds_k=4, leaf_min=10, depth_max=5)
LEAVES_MAX: Final = 2**RULE.depth_max
NODES_MAX: Final = 2 * LEAVES_MAX
SHRINKAGE = 0.15
"""Share of a Newton step that a leaf takes."""
RIDGE = 1.0
"""Added to a leaf's curvature."""


class Rounds(NamedTuple):
    """All rounds, and the scores of their leaves."""

    feature: I16  # (ROUNDS_N, NODES_MAX)
    threshold: F32
    left: I16
    scores: F32  # (ROUNDS_N, LEAVES_MAX, GENRES_MAX)


class Work(NamedTuple):
    """Scratch of one renewal."""

    residual: F32  # (lessons, GENRES_MAX) what the other rounds leave unexplained, of those that were drawn
    curvature: F32  # (LEAVES_MAX, GENRES_MAX)
    p: F64  # (GENRES_MAX,)


@kernel
def _round(rounds: Rounds, t: int) -> Nodes:
    return Nodes(rounds.feature[t], rounds.threshold[t], rounds.left[t])


@kernel
def _say(rounds: Rounds, n_rounds: int, without: int, x: F32, n_genres: int, p: F64) -> None:
    """Chances by all rounds but one (-1 = by all)."""
    for c in range(n_genres):
        p[c] = 0.0
    for t in range(n_rounds):
        if t != without:
            leaf = leaf_of(_round(rounds, t), x)
            for c in range(n_genres):
                p[c] += rounds.scores[t, leaf, c]
    to_chances(p, n_genres)


@kernel
def _draw(rounds: Rounds, n_rounds: int, t: int, past: Past, n_drawn: int, n_genres: int, work: Work, bench: Bench, chance: U64) -> None:
    for i in range(n_drawn):
        row = draw(chance, past.n_kept)
        bench.rows[i] = row
        _say(rounds, n_rounds, t, past.x[row], n_genres, work.p)
        for c in range(n_genres):
            work.residual[row, c] = np.float32((1.0 if past.y[row] == c else 0.0) - work.p[c])


@kernel
def _fill(rounds: Rounds, t: int, past: Past, n_drawn: int, n_genres: int, work: Work, bench: Bench) -> None:
    """Newton's step in each leaf; a residual r of a chance p has curvature p (1 - p) = |r| (1 - |r|)."""
    nodes, scores = _round(rounds, t), rounds.scores[t]
    for leaf in range(LEAVES_MAX):
        for c in range(n_genres):
            scores[leaf, c], work.curvature[leaf, c] = np.float32(0.0), np.float32(0.0)
    for i in range(n_drawn):
        row = bench.rows[i]
        leaf = leaf_of(nodes, past.x[row])
        for c in range(n_genres):
            r = work.residual[row, c]
            scores[leaf, c] += r
            work.curvature[leaf, c] += abs(r) * (np.float32(1.0) - abs(r))
    for leaf in range(LEAVES_MAX):
        for c in range(n_genres):
            scores[leaf, c] = np.float32(SHRINKAGE) * scores[leaf, c] / (work.curvature[leaf, c] + np.float32(RIDGE))


@kernel
def _renew(
    rounds: Rounds, n_rounds: int, t: int, past: Past, n_drawn: int, n_columns: int, n_genres: int, work: Work, bench: Bench, chance: U64
) -> None:
    _draw(rounds, n_rounds, t, past, n_drawn, n_genres, work, bench, chance)
    grow(_round(rounds, t), past.x, work.residual, n_drawn, n_columns, n_genres, RULE, bench, chance)
    _fill(rounds, t, past, n_drawn, n_genres, work, bench)


class Boosting:
    """Keeps the promises of `Member`."""

    def __init__(self, memory: Memory, seed: int = 3) -> None:
        self._rounds = Rounds(
            np.full((ROUNDS_N, NODES_MAX), LEAF, np.int16),
            np.zeros((ROUNDS_N, NODES_MAX), np.float32),
            np.zeros((ROUNDS_N, NODES_MAX), np.int16),
            np.zeros((ROUNDS_N, LEAVES_MAX, GENRES_MAX), np.float32),
        )
        self._work = Work(
            np.zeros((len(memory.y), GENRES_MAX), np.float32),
            np.zeros((LEAVES_MAX, GENRES_MAX), np.float32),
            np.zeros(GENRES_MAX),
        )
        self._bench = new_bench(DRAWN_N, NODES_MAX, memory.x.shape[1], GENRES_MAX)
        self._chance: U64 = np.array([seed], np.uint64)
        self._grown: I64 = np.zeros(1, np.int64)
        self._memory = memory

    @property
    def _n_rounds(self) -> int:
        return min(int(self._grown[0]), ROUNDS_N)

    def learn_one(self, x: F32, y: int, n_genres: int) -> None:
        """See `Member`."""
        memory = self._memory
        if memory.n_lessons % (RENEW_YOUNG if memory.n_lessons <= YOUNG else RENEW):
            return
        past = memory.past()
        t, n_drawn = int(self._grown[0]) % ROUNDS_N, min(DRAWN_N, past.n_kept)
        _renew(self._rounds, self._n_rounds, t, past, n_drawn, len(x), n_genres, self._work, self._bench, self._chance)
        self._grown[0] += 1

    def say_one(self, x: F32, n_genres: int, p: F64) -> None:
        """See `Member`."""
        _say(self._rounds, self._n_rounds, -1, x, n_genres, p)

    def is_sound(self) -> bool:
        """Whether arrays that were written into can be walked."""
        nodes = Nodes(self._rounds.feature, self._rounds.threshold, self._rounds.left)
        return are_sound(nodes, self._memory.x.shape[1]) and self._grown[0] >= 0

    def arrays(self) -> Arrays:
        """See `Member`."""
        return {**self._rounds._asdict(), "grown": self._grown, "chance": self._chance}
