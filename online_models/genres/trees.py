"""Trees as arrays: grown from past lessons in one go, walked by every later one.

Splits are tried as in an extremely randomised tree (Geurts, Ernst and Wehenkel, Machine Learning 63, 2006): a few thresholds at
each of a few features, drawn among the node's own lessons, so that nothing is sorted.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from online_models.arrays import F32, F64, I16, I32
from online_models.genres.chance import U64, draw
from online_models.kernel import kernel

LEAF = -1
"""Feature of a node without children."""
GAIN_MIN = 1e-9
"""Share by which a split must explain more than none: below it is rounding."""


class Nodes(NamedTuple):
    """The nodes of one tree; the root is node 0, a right child stands behind its left one. 8 bytes each: a forest walks them all."""

    feature: I16  # (nodes,)
    threshold: F32  # (nodes,)
    left: I16  # (nodes,) the left child; of a leaf its number among the leaves


class Rule(NamedTuple):
    """When and how a node is split."""

    features_k: int
    """Features that are looked at; constant ones are passed over and not counted."""
    thresholds_k: int
    leaf_min: int
    """Lessons on each side."""
    depth_max: int


class Bench(NamedTuple):
    """Scratch of growing; holds nothing from call to call."""

    rows: I32  # (lessons,) numbers of the lessons that teach a tree, those of a leaf side by side
    stack: I32  # (nodes, 4) first row, one behind the last, node, depth
    order: I32  # (features,)
    values: F32  # (lessons,) of the feature that is looked at, in the order of `rows`
    whole: F64  # (genres,) sum of a node's targets
    sides: F64  # (2, genres) of those that would go right, and left
    best: F64  # (2,) gain and threshold of the best split so far


def new_bench(n_rows: int, n_nodes: int, n_features: int, n_genres: int) -> Bench:
    """Zeros."""
    return Bench(
        rows=np.zeros(n_rows, np.int32),
        stack=np.zeros((n_nodes, 4), np.int32),
        order=np.arange(n_features, dtype=np.int32),
        values=np.zeros(n_rows, np.float32),
        whole=np.zeros(n_genres),
        sides=np.zeros((2, n_genres)),
        best=np.zeros(2),
    )


@kernel
def leaf_of(nodes: Nodes, x: F32) -> Any:
    """Number of the leaf of `x` (features,)."""
    at = 0
    while nodes.feature[at] >= 0:
        at = nodes.left[at] + (0 if x[nodes.feature[at]] <= nodes.threshold[at] else 1)
    return nodes.left[at]


@kernel
def _number_leaves(nodes: Nodes, n_nodes: int) -> None:
    n_leaves = 0
    for node in range(n_nodes):
        if nodes.feature[node] == LEAF:
            nodes.left[node] = n_leaves
            n_leaves += 1


@kernel
def _add(sums: F64, target: Any, row: int, n_genres: int) -> None:
    """One lesson's target onto `sums`: of labels (lessons,) a one, of residuals (lessons, genres) all."""
    if target.ndim == 1:  # known when this is compiled
        sums[target[row]] += 1.0
    else:
        for c in range(n_genres):
            sums[c] += target[row, c]


@kernel
def _try(target: Any, n_genres: int, rule: Rule, bench: Bench, low: int, high: int, threshold: float) -> Any:
    """Sum of squares that a split explains: of labels it orders splits as Gini's impurity does, of residuals as their variance."""
    n_left = 0
    bench.sides[:, :n_genres] = 0.0
    for i in range(low, high):
        side = 1 if bench.values[i] <= threshold else 0  # no jump: half of them would be foretold wrongly
        n_left += side
        _add(bench.sides[side], target, bench.rows[i], n_genres)
    n_right = high - low - n_left
    if n_left < rule.leaf_min or n_right < rule.leaf_min:
        return 0.0
    right = left = 0.0
    for c in range(n_genres):
        right += bench.sides[0, c] * bench.sides[0, c]
        left += bench.sides[1, c] * bench.sides[1, c]
    return left / n_left + right / n_right


@kernel
def _best(x: F32, target: Any, n_features: int, n_genres: int, rule: Rule, bench: Bench, low: int, high: int, chance: U64) -> Any:
    """The feature to split rows `low`..`high` by, its threshold in `bench.best[1]`; `LEAF` when no split explains anything."""
    chosen, n_tried = LEAF, 0
    for k in range(n_features):
        other = k + draw(chance, n_features - k)
        bench.order[k], bench.order[other] = bench.order[other], bench.order[k]
        feature = bench.order[k]
        for i in range(low, high):  # once, because lessons lie far apart
            bench.values[i] = x[bench.rows[i], feature]
        n_useful = 0
        for _ in range(rule.thresholds_k):
            threshold = bench.values[low + draw(chance, high - low)]
            gain = _try(target, n_genres, rule, bench, low, high, threshold)
            n_useful += gain > 0.0
            if gain > bench.best[0]:
                bench.best[0], bench.best[1], chosen = gain, threshold, feature
        n_tried += n_useful > 0
        if n_tried == rule.features_k:
            break
    return chosen


@kernel
def _part(x: F32, feature: int, threshold: float, rows: I32, low: int, high: int) -> Any:
    """Bring the rows that go left to the front; returns the place of the first that goes right."""
    first, last = low, high - 1
    while first <= last:
        row = rows[first]
        if x[row, feature] <= threshold:
            first += 1
        else:
            rows[first], rows[last] = rows[last], row
            last -= 1
    return first


@kernel
def _push(stack: I32, at: int, low: int, high: int, node: int, depth: int) -> None:
    stack[at, 0], stack[at, 1], stack[at, 2], stack[at, 3] = low, high, node, depth


@kernel
def grow(nodes: Nodes, x: F32, target: Any, n_rows: int, n_features: int, n_genres: int, rule: Rule, bench: Bench, chance: U64) -> None:
    """Replace a tree by one that the lessons `bench.rows[:n_rows]` of `x` (lessons, features) and `target` teach.

    `order` starts in its natural order, so that a snapshot needs no scratch. When the nodes are used up, what is left stays leaves.
    """
    for k in range(n_features):
        bench.order[k] = k
    nodes.feature[0] = LEAF
    _push(bench.stack, 0, 0, n_rows, 0, 0)
    n_open, n_nodes = 1, 1
    while n_open > 0:
        n_open -= 1
        low, high, node, depth = bench.stack[n_open, 0], bench.stack[n_open, 1], bench.stack[n_open, 2], bench.stack[n_open, 3]
        if high - low < 2 * rule.leaf_min or depth >= rule.depth_max or n_nodes + 2 > len(nodes.feature):
            continue
        bench.whole[:n_genres] = 0.0
        for i in range(low, high):
            _add(bench.whole, target, bench.rows[i], n_genres)
        bench.best[0] = 0.0
        for c in range(n_genres):
            bench.best[0] += bench.whole[c] * bench.whole[c] / (high - low)
        bench.best[0] *= 1.0 + GAIN_MIN
        feature = _best(x, target, n_features, n_genres, rule, bench, low, high, chance)
        if feature == LEAF:
            continue
        middle = _part(x, feature, bench.best[1], bench.rows, low, high)
        nodes.feature[node], nodes.threshold[node], nodes.left[node] = feature, bench.best[1], n_nodes
        nodes.feature[n_nodes] = nodes.feature[n_nodes + 1] = LEAF
        _push(bench.stack, n_open, low, middle, n_nodes, depth + 1)
        _push(bench.stack, n_open + 1, middle, high, n_nodes + 1, depth + 1)
        n_open += 2
        n_nodes += 2
    _number_leaves(nodes, n_nodes)


def leaves_max(n_nodes: int) -> int:
    """Leaves of a tree of so many nodes: each split adds two nodes and one leaf."""
    return (n_nodes + 1) // 2


def are_sound(nodes: Nodes, n_columns: int) -> bool:
    """Whether trees (any number of them, nodes last) can be walked: children lie ahead and features are columns."""
    inner, places = nodes.feature != LEAF, np.arange(nodes.left.shape[-1])
    ahead = (nodes.left > places) & (nodes.left < nodes.left.shape[-1] - 1)
    leaf = (nodes.left >= 0) & (nodes.left < leaves_max(nodes.left.shape[-1]))
    known = (nodes.feature >= LEAF) & (nodes.feature < n_columns)
    return bool((known & np.where(inner, ahead, leaf)).all())
