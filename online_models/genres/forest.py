"""A forest whose oldest tree is replaced, again and again, by one grown from the last lessons; leaves count on in between.

What a batch forest gains over Hoeffding trees it gains by splitting on all it has seen; here a tree does the same every `RENEW` lessons.
That lesson waits for it, some tens of milliseconds where the memory is full; the arrays never grow.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from online_models.arrays import F32, F64, I16, I64, U16
from online_models.genres.chance import U64, draw
from online_models.genres.members import Arrays
from online_models.genres.memory import Memory, Past
from online_models.genres.sizes import GENRES_MAX
from online_models.genres.trees import LEAF, Bench, Nodes, Rule, are_sound, grow, leaf_of, leaves_max, new_bench
from online_models.kernel import kernel

TREES_N: Final = 80
NODES_MAX: Final = 3_072
LEAVES_MAX: Final = leaves_max(NODES_MAX)
RENEW: Final = 75
"""Lessons between two new trees: a tree lives for 80 x 75 = 6,000 lessons."""
RENEW_YOUNG: Final = 10
YOUNG: Final = 800
"""The first trees come sooner: until the forest is full once."""
SHARE: Final = 0.6
"""Of the remembered lessons, drawn with return for each tree."""
RULE: Final = Rule(features_k=6, thresholds_k=4, leaf_min=6, depth_max=40)
PRIOR = 0.1
"""Lessons of each genre that a leaf begins with."""


class Trees(NamedTuple):
    """All trees, and how many lessons of each genre came to each leaf: at most those that grew it and those of its life."""

    feature: I16  # (TREES_N, NODES_MAX)
    threshold: F32
    left: I16
    counts: U16  # (TREES_N, LEAVES_MAX, GENRES_MAX)


@kernel
def _tree(trees: Trees, t: int) -> Nodes:
    return Nodes(trees.feature[t], trees.threshold[t], trees.left[t])


@kernel
def _say(trees: Trees, n_trees: int, x: F32, n_genres: int, p: F64) -> None:
    """Mean of the leaves' shares."""
    for c in range(n_genres):
        p[c] = 1e-9
    for t in range(n_trees):
        leaf, n = leaf_of(_tree(trees, t), x), 0.0
        for c in range(n_genres):
            n += trees.counts[t, leaf, c] + PRIOR
        for c in range(n_genres):
            p[c] += (trees.counts[t, leaf, c] + PRIOR) / n
    everything = 0.0
    for c in range(n_genres):
        everything += p[c]
    for c in range(n_genres):
        p[c] /= everything


@kernel
def _count(trees: Trees, n_trees: int, x: F32, y: int) -> None:
    for t in range(n_trees):
        trees.counts[t, leaf_of(_tree(trees, t), x), y] += 1


@kernel
def _renew(trees: Trees, t: int, past: Past, n_drawn: int, n_columns: int, n_genres: int, bench: Bench, chance: U64) -> None:
    for i in range(n_drawn):
        bench.rows[i] = draw(chance, past.n_kept)
    nodes = _tree(trees, t)
    grow(nodes, past.x, past.y, n_drawn, n_columns, n_genres, RULE, bench, chance)
    for leaf in range(LEAVES_MAX):
        for c in range(n_genres):
            trees.counts[t, leaf, c] = 0
    for i in range(n_drawn):
        row = bench.rows[i]
        trees.counts[t, leaf_of(nodes, past.x[row]), past.y[row]] += 1


class Forest:
    """Keeps the promises of `Member`."""

    def __init__(self, memory: Memory, seed: int = 2) -> None:
        n_drawn_max = max(1, int(len(memory.y) * SHARE))
        self._trees = Trees(
            np.full((TREES_N, NODES_MAX), LEAF, np.int16),
            np.zeros((TREES_N, NODES_MAX), np.float32),
            np.zeros((TREES_N, NODES_MAX), np.int16),
            np.zeros((TREES_N, LEAVES_MAX, GENRES_MAX), np.uint16),
        )
        self._bench = new_bench(n_drawn_max, NODES_MAX, memory.x.shape[1], GENRES_MAX)
        self._chance: U64 = np.array([seed], np.uint64)
        self._grown: I64 = np.zeros(1, np.int64)
        self._memory = memory

    @property
    def _n_trees(self) -> int:
        return min(int(self._grown[0]), TREES_N)

    def learn_one(self, x: F32, y: int, n_genres: int) -> None:
        """See `Member`."""
        memory = self._memory
        _count(self._trees, self._n_trees, x, y)
        if memory.n_lessons % (RENEW_YOUNG if memory.n_lessons <= YOUNG else RENEW) == 0:
            past = memory.past()
            t, n_drawn = int(self._grown[0]) % TREES_N, max(1, int(past.n_kept * SHARE))
            _renew(self._trees, t, past, n_drawn, len(x), n_genres, self._bench, self._chance)
            self._grown[0] += 1

    def say_one(self, x: F32, n_genres: int, p: F64) -> None:
        """See `Member`."""
        _say(self._trees, self._n_trees, x, n_genres, p)

    def is_sound(self) -> bool:
        """Whether arrays that were written into can be walked."""
        nodes = Nodes(self._trees.feature, self._trees.threshold, self._trees.left)
        return are_sound(nodes, self._memory.x.shape[1]) and self._grown[0] >= 0

    def arrays(self) -> Arrays:
        """See `Member`."""
        return {**self._trees._asdict(), "grown": self._grown, "chance": self._chance}
