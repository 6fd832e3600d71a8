"""What a plays worker needs of the finish model: arrays, and a kernel that answers 40 times per play.

The models worker publishes the champion as JSON; both kinds answer through one `predict`, so that a
change of champion compiles nothing.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple, Self

import msgspec
import numpy as np

from online_models.arrays import F32, F64, I32, Items
from online_models.contest import CERTAINTY
from online_models.finish_features import FEATURES, N_FEATURES
from online_models.kernel import kernel

LINEAR, TREE = 0, 1
"""Values of `kind`."""
KINDS: Final = ("linear", "tree")


class Serving(NamedTuple):
    """One published champion. Arrays of the other kind are present but empty of meaning."""

    version: int
    lessons: int
    kind: int
    weights: F64
    """(12,) over raw features."""
    bias: float
    feature: I32
    """(n,) of each node; -1 = leaf."""
    threshold: F64
    left: I32
    right: I32
    leaf: F32
    """(n,) probability of a finish at each leaf."""

    @classmethod
    def linear(cls, version: int, lessons: int, weights: F64, bias: float) -> Self:
        """A linear champion: p = 1 / (1 + exp(-(weights . x + bias)))."""
        none, leaf = np.full(1, -1, np.int32), np.full(1, 0.5, np.float32)
        return cls(version, lessons, LINEAR, weights, bias, none, np.zeros(1), none, none, leaf)

    @classmethod
    def tree(cls, version: int, lessons: int, nodes: Items) -> Self:
        """A tree champion from its nodes (n,) in preorder (`tree_codec.NODE`); no node = a coin."""
        if not len(nodes):
            return cls.linear(version, lessons, np.zeros(N_FEATURES), 0.0)._replace(kind=TREE)
        total = nodes["n_false"] + nodes["n_true"]
        leaf = np.divide(nodes["n_true"], total, out=np.zeros(len(nodes)), where=total > 0.0).astype(np.float32)
        columns = (nodes["feature"], nodes["threshold"], nodes["left"], nodes["right"])
        feature, threshold, left, right = (np.ascontiguousarray(column) for column in columns)
        return cls(version, lessons, TREE, np.zeros(N_FEATURES), 0.0, feature, threshold, left, right, leaf)


class _Wire(msgspec.Struct, frozen=True):
    """The JSON, field for field."""

    champion: str
    version: int
    lessons: int
    features: list[str]
    weights: list[float] = []
    bias: float = 0.0
    feature: list[int] = []
    threshold: list[float] = []
    left: list[int] = []
    right: list[int] = []
    leaf: list[float] = []


class BadServing(ValueError):
    """The published bytes are not a finish model this build can use; the list goes out without `finish`."""


def encode_serving(serving: Serving) -> bytes:
    """JSON bytes; `parse` reads them back equal."""
    if serving.kind == LINEAR:
        head = _Wire("linear", serving.version, serving.lessons, list(FEATURES), serving.weights.tolist(), serving.bias)
        return msgspec.json.encode(head)
    columns = (serving.feature, serving.threshold, serving.left, serving.right, serving.leaf)
    return msgspec.json.encode(
        _Wire("tree", serving.version, serving.lessons, list(FEATURES), [], 0.0, *(column.tolist() for column in columns))
    )


def parse(raw: bytes) -> Serving:
    """The arrays of published bytes. Raises `BadServing`."""
    try:
        wire = msgspec.json.decode(raw, type=_Wire)
    except msgspec.MsgspecError as error:
        raise BadServing(f"not a finish model: {error}") from error
    if wire.features != list(FEATURES) or wire.champion not in KINDS:
        raise BadServing(f"champion {wire.champion!r} over features {wire.features}: made by another build")
    return _linear(wire) if wire.champion == "linear" else _tree(wire)


def _linear(wire: _Wire) -> Serving:
    weights = np.array(wire.weights, np.float64)
    if weights.shape != (N_FEATURES,) or not (np.isfinite(weights).all() and math.isfinite(wire.bias)):
        raise BadServing(f"{len(wire.weights)} weights, {N_FEATURES} finite ones are expected")
    return Serving.linear(wire.version, wire.lessons, weights, wire.bias)


def _tree(wire: _Wire) -> Serving:
    feature, left, right = (np.array(column, np.int32) for column in (wire.feature, wire.left, wire.right))
    threshold, leaf = np.array(wire.threshold, np.float64), np.array(wire.leaf, np.float32)
    n = len(feature)
    same = n > 0 and all(len(column) == n for column in (threshold, left, right, leaf))
    if not same or not (np.isfinite(threshold).all() and np.isfinite(leaf).all() and (feature < N_FEATURES).all()):
        raise BadServing("the tree's columns do not fit together")
    branch = feature >= 0
    at = np.arange(n)[branch]
    # Children come after their node (preorder): so the kernel's walk always ends, inside the arrays.
    if not all(((child[branch] > at) & (child[branch] < n)).all() for child in (left, right)):
        raise BadServing("a branch names a child that does not follow it")
    return Serving(wire.version, wire.lessons, TREE, np.zeros(N_FEATURES), 0.0, feature, threshold, left, right, leaf)


@kernel
def predict(x: F32, kind: int, weights: F64, bias: float, feature: I32, threshold: F64, left: I32, right: I32, leaf: F32) -> float:
    """Probability (float32) that the play described by `x` (12,) is heard to its end, in [0.001, 0.999]."""
    if kind == LINEAR:
        z = bias
        for j in range(weights.shape[0]):
            z += weights[j] * x[j]
        if z != z:
            z = 0.0
        p = 1.0 / (1.0 + math.exp(-min(max(z, -30.0), 30.0)))
    else:
        node = 0
        while feature[node] >= 0:
            node = left[node] if x[feature[node]] <= threshold[node] else right[node]
        p = float(leaf[node])
    return np.float32(min(max(p, CERTAINTY), 1.0 - CERTAINTY))  # type: ignore[return-value]


def predict_one(serving: Serving, x: F32) -> float:
    """`predict` with a `Serving`'s arrays, for one-off questions."""
    return float(predict(x, serving.kind, *serving[3:]))
