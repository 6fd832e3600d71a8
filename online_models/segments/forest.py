"""A forest of River's Hoeffding trees: each sees its own features and its own draw of the lessons, and is replaced when it goes off.

What an adaptive random forest is (leveraged bagging, subspaces, drift per tree), kept to what can be written down as plain data:
River's own holds a random generator and detectors that only a pickle carries. Which lesson a tree sees how often is a function
of the lesson's number, so a restored forest goes on as it would have.

References
----------
Gomes et al.: Adaptive random forests for evolving data stream classification, Machine Learning 106 (2017).
Bifet, Holmes, Pfahringer: Leveraging Bagging for Evolving Data Streams, ECML PKDD (2010).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from river.tree import HoeffdingTreeClassifier
from river.tree.nodes.branch import NumericBinaryBranch
from river.tree.splitter import GaussianSplitter

from online_models.arrays import F64, I64, Items
from online_models.contest import held, log_loss
from online_models.model import BadSnapshot
from online_models.tree_codec import ESTIMATOR, NODE, decode_tree, encode_tree

TREES: Final = 10
FEATURE_SHARE: Final = 0.6
"""Of the features, to each tree. .4 measured equal where there are many, worse (.297 against .292 nats) on the fifteen of plays."""
DRAWS_MEAN: Final = 6.0
"""How often a tree sees a lesson: Poisson with this mean, as in leveraged bagging."""
DRAWS_MAX: Final = 15
"""Beyond: 2 of 10,000."""
DEPTH_MAX: Final = 6
"""At most 64 leaves a tree: River's own limit of size measures Python objects, which a restore changes."""
NEVER: Final = 2**62
"""Lessons between River's memory estimates: they read `sys.getsizeof`."""
SEED: Final = 7

FAST, SLOW = 300.0, 3_000.0
"""Lessons over which a tree's loss of late, and its usual loss, are taken."""
OFF: Final = 1.15
"""A tree whose loss of late is this much above its usual one has lost its track, and starts again."""

_CUMULATIVE: Final = np.cumsum([math.exp(-DRAWS_MEAN) * DRAWS_MEAN**k / math.factorial(k) for k in range(DRAWS_MAX)])


def new_tree(grace_period: int = 200) -> HoeffdingTreeClassifier:
    """A tree of the kind that `tree_codec` can write down; why these settings: `online_models/finish.py`."""
    return HoeffdingTreeClassifier(
        grace_period=grace_period,
        max_depth=DEPTH_MAX,
        delta=1e-4,
        tau=0.1,
        leaf_prediction="mc",
        splitter=GaussianSplitter(),
        memory_estimate_period=NEVER,
    )


def probability(tree: HoeffdingTreeClassifier, x: Mapping[str, float]) -> float:
    """Of True, by the leaf that `x` falls into; .5 where nothing was learned. River's own copies the leaf twice to say the same."""
    node = tree._root
    while type(node) is NumericBinaryBranch:
        node = node.next(x)
    stats = node.stats if node is not None else {}
    total = sum(stats.values())
    return held(stats.get(True, 0.0) / total) if total > 0.0 else 0.5


class Forest:
    """Keeps the trees.

    Parameters
    ----------
    features: all names; which of them each tree sees is drawn once, the same for every forest of these features.
    """

    def __init__(self, features: tuple[str, ...]) -> None:
        self.features = features
        chance = np.random.default_rng(SEED)
        k = max(1, round(FEATURE_SHARE * len(features)))
        self._seen = [tuple(features[j] for j in sorted(chance.permutation(len(features))[:k])) for _ in range(TREES)]
        self._trees = [new_tree() for _ in range(TREES)]
        self._losses: F64 = np.zeros((TREES, 2))
        self._ages: F64 = np.zeros(TREES)
        self.n_lessons = 0
        self.n_replaced = 0

    @property
    def trees(self) -> list[HoeffdingTreeClassifier]:
        """All of them, in order."""
        return self._trees

    def say(self, x: Mapping[str, float]) -> list[float]:
        """Probability by each tree (TREES,); the forest's is their mean."""
        return [probability(tree, {name: x[name] for name in seen}) for tree, seen in zip(self._trees, self._seen, strict=True)]

    def learn(self, x: Mapping[str, float], y: bool, w: float, said: list[float]) -> None:
        """One lesson of weight `w`, of which the trees `said` (TREES,) before it."""
        self._judge(said, y)
        for tree, seen, n in zip(self._trees, self._seen, draws(self.n_lessons).tolist(), strict=True):
            if n:
                tree.learn_one({name: x[name] for name in seen}, y, w=n * w)
        self.n_lessons += 1

    def _judge(self, said: list[float], y: bool) -> None:
        """Count each tree's loss before it learns, and let those begin again that are off."""
        losses = np.array([log_loss(p, y) for p in said])
        self._ages += 1.0
        for column, window in enumerate((FAST, SLOW)):
            # A running mean that turns into a fading one when the window is full.
            self._losses[:, column] += (losses - self._losses[:, column]) / np.minimum(self._ages, window)
        off = (self._ages > SLOW) & (self._losses[:, 0] > OFF * self._losses[:, 1])
        for t in np.flatnonzero(off).tolist():
            self._trees[t] = new_tree()
            self._ages[t] = 0.0
            self.n_replaced += 1

    def state(self) -> dict[str, Any]:
        """Figures beside the trees, JSON-able."""
        return {
            "losses": self._losses.ravel().tolist(),
            "ages": self._ages.tolist(),
            "n_lessons": self.n_lessons,
            "n_replaced": self.n_replaced,
        }

    def encode(self) -> tuple[list[dict[str, Any]], list[Items], list[Items]]:
        """(meta, nodes, estimators) per tree."""
        parts = [encode_tree(tree, self.features) for tree in self._trees]
        return [meta for meta, _, _ in parts], [nodes for _, nodes, _ in parts], [estimators for _, _, estimators in parts]

    def take(self, state: Mapping[str, Any], metas: list[dict[str, Any]], parts: Mapping[str, bytes]) -> None:
        """Go on from what `state` and `encode` gave, as "nodes-0", "estimators-0", … Raises `BadSnapshot`, `LookupError`, `ValueError`."""
        if len(metas) != TREES:
            raise BadSnapshot(f"{len(metas)} trees, this build has {TREES}")
        for t, meta in enumerate(metas):
            nodes, estimators = np.frombuffer(parts[f"nodes-{t}"], NODE), np.frombuffer(parts[f"estimators-{t}"], ESTIMATOR)
            decode_tree(self._trees[t], meta, nodes, estimators)
        self._losses = np.array(state["losses"], np.float64).reshape(TREES, 2)
        self._ages = np.array(state["ages"], np.float64).reshape(TREES)
        self.n_lessons, self.n_replaced = int(state["n_lessons"]), int(state["n_replaced"])


def draws(lesson: int) -> I64:
    """How often each tree (TREES,) sees a lesson, by its number.

    >>> draws(1).tolist() == draws(1).tolist() != draws(2).tolist()
    True
    """
    # Steele, Lea, Flood: Fast splittable pseudorandom number generators (2014): one mixed counter per (lesson, tree).
    z = (np.arange(TREES, dtype=np.uint64) + np.uint64(lesson * TREES + SEED + 1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    uniform = ((z ^ (z >> np.uint64(31))) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return np.searchsorted(_CUMULATIVE, uniform, side="right")
