"""What a reader needs of the segments: the models as numbers in JSON, asked without River and without their lessons.

A reader works out the features from the user's row (`console/listening.py`) and gets the champion's answer and the tree's rule.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np

from online_models.contest import held
from online_models.segments.features import OF_TARGET
from online_models.segments.kinds import ServedKinds
from online_models.segments.logistic import FAR, LOGIT_MAX, logit

BLENDED: Final = ("linear", "tree", "forest")
LEAF: Final = -1
Bounds = dict[int, tuple[float, float]]


class BadServing(ValueError):
    """The published bytes are no segments that this build can use."""


class Tree(msgspec.Struct, frozen=True):
    """Nodes in preorder; `feature` LEAF = a leaf, where `p` is the probability of yes. No node = a coin."""

    feature: list[int]
    threshold: list[float]
    left: list[int]
    right: list[int]
    p: list[float]

    def way(self, x: list[float]) -> tuple[float, Bounds]:
        """The probability at the leaf that `x` falls into, and the bounds on the way there by feature, in order of asking."""
        if not self.feature:
            return 0.5, {}
        found: Bounds = {}
        node = 0
        while self.feature[node] != LEAF:
            j, bound = self.feature[node], self.threshold[node]
            least, most = found.get(j, (-math.inf, math.inf))
            below = x[j] <= bound
            found[j] = (least, min(most, bound)) if below else (max(least, bound), most)
            node = self.left[node] if below else self.right[node]
        return self.p[node], found

    def check(self, n_features: int) -> None:
        """Raises `BadServing` when a walk could leave the nodes, or go on for ever."""
        n = len(self.feature)
        if not all(len(column) == n for column in (self.threshold, self.left, self.right, self.p)):
            raise BadServing("a tree's columns do not fit together")
        for node, (j, left, right) in enumerate(zip(self.feature, self.left, self.right, strict=True)):
            if j != LEAF and not (0 <= j < n_features and node < left < n and node < right < n):
                raise BadServing(f"node {node} of a tree leads nowhere")


class Target(msgspec.Struct, frozen=True):
    """The models of one target."""

    champion: str
    lessons: int
    features: list[str]
    mean: list[float]
    scale: list[float]
    """Of each feature; what is beyond FAR scales stands there."""
    weights: list[float]
    """Of 1, then of the features so standardised."""
    blend: list[float]
    """Of 1, then of the log-odds of BLENDED."""
    tree: Tree
    forest: list[Tree]

    def say(self, x: Mapping[str, float]) -> dict[str, float]:
        """What each contestant says, in (0, 1)."""
        row = [x.get(name, 0.0) for name in self.features]
        standard = np.clip((np.array(row) - self.mean) * self.scale, -FAR, FAR)
        said = {
            "linear": held(_logistic(self.weights[0] + float(np.dot(self.weights[1:], standard)))),
            "tree": self.tree.way(row)[0],
            "forest": held(sum(tree.way(row)[0] for tree in self.forest) / len(self.forest)),
        }
        said["blend"] = held(_logistic(self.blend[0] + sum(w * logit(said[name]) for w, name in zip(self.blend[1:], BLENDED, strict=True))))
        return said

    def predict(self, x: Mapping[str, float]) -> float:
        """The champion's probability of yes."""
        return self.say(x)[self.champion]

    def bounds(self, x: Mapping[str, float]) -> dict[str, tuple[float, float]]:
        """The tree's bounds (above, at most) that `x` falls between, by feature; empty while it is one leaf."""
        row = [x.get(name, 0.0) for name in self.features]
        return {self.features[j]: bounds for j, bounds in self.tree.way(row)[1].items()}


class Served(msgspec.Struct, frozen=True):
    """One published version."""

    version: int
    lessons: int
    usual_new: float
    """New tracks among 20 plays that are more than usual are "exploring"."""
    targets: dict[str, Target]
    kinds: ServedKinds = ServedKinds()
    """Of listeners; none before there are some."""


def parse(raw: bytes) -> Served:
    """Raises `BadServing`."""
    try:
        served = msgspec.json.decode(raw, type=Served)
    except msgspec.MsgspecError as error:
        raise BadServing(f"no segments: {error}") from error
    for name, target in served.targets.items():
        if target.features != list(OF_TARGET.get(name, ())):
            raise BadServing(f"{name} over features {target.features}: made by another build")
        n = len(target.features)
        if (len(target.mean), len(target.scale), len(target.weights), len(target.blend)) != (n, n, n + 1, len(BLENDED) + 1):
            raise BadServing(f"{name}: its columns do not fit together")
        for tree in (target.tree, *target.forest):
            tree.check(n)
        if target.champion not in (*BLENDED, "blend") or not target.forest:
            raise BadServing(f"{name}: champion {target.champion!r}, {len(target.forest)} trees")
    if not served.kinds.fits():
        raise BadServing(f"kinds over features {served.kinds.features}: made by another build, or their columns do not fit together")
    return served


def _logistic(value: float) -> float:
    return 1.0 / (1.0 + math.exp(-min(max(value, -LOGIT_MAX), LOGIT_MAX)))
