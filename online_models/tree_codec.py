"""A HoeffdingTree as plain arrays, and back: it predicts and goes on learning bit-equally.

River offers pickles only, which load code and do not survive a new River. Here every attribute of
every object is named; one that this file does not know is refused, so a new River cannot be
half-restored in silence. Covers what the finish model uses: numeric features, Gaussian splitters,
majority-class leaves, binary branches, a boolean target.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
import numpy as np
import river
from river.proba import Gaussian
from river.stats import Mean, Var
from river.tree import HoeffdingTreeClassifier
from river.tree.nodes.branch import NumericBinaryBranch
from river.tree.nodes.htc_nodes import LeafMajorityClass
from river.tree.splitter import GaussianSplitter

from online_models.arrays import Items
from online_models.model import BadSnapshot

RIVER_VERSION: Final = "0.26.1"
"""The one version whose attributes are written down here; pinned in pyproject.toml."""

NODE: Final = np.dtype(
    [
        ("feature", "<i4"),
        ("threshold", "<f8"),
        ("depth", "<i4"),
        ("left", "<i4"),
        ("right", "<i4"),
        ("order", "u1"),
        ("active", "u1"),
        ("n_false", "<f8"),
        ("n_true", "<f8"),
        ("attempted_at", "<f8"),
    ]
)
"""One node, preorder. `feature` -1 = leaf. `order` = classes in the order of the stats' dict (see `_ORDERS`)."""

ESTIMATOR: Final = np.dtype(
    [
        ("node", "<i4"),
        ("feature", "<i4"),
        ("label", "u1"),
        ("least", "<f8"),
        ("most", "<f8"),
        ("n", "<f8"),
        ("mean", "<f8"),
        ("spread", "<f8"),
    ]
)
"""One Gaussian of one class of one feature of one leaf, in the order of River's dicts; `spread` = sum of squares."""

_ORDERS: Final[tuple[tuple[bool, ...], ...]] = ((), (False,), (True,), (False, True), (True, False))

_TREE_STATE: Final = (
    "_n_active_leaves",
    "_n_inactive_leaves",
    "_inactive_leaf_size_estimate",
    "_active_leaf_size_estimate",
    "_size_estimate_overhead_fraction",
    "_growth_allowed",
    "_train_weight_seen_by_model",
)
_TREE_SETTINGS: Final = (
    "_split_criterion",
    "_leaf_prediction",
    "max_depth",
    "binary_split",
    "_max_size",
    "_max_byte_size",
    "memory_estimate_period",
    "stop_mem_management",
    "remove_poor_attrs",
    "merit_preprune",
    "grace_period",
    "delta",
    "tau",
    "nb_threshold",
    "nominal_attributes",
    "min_branch_fraction",
    "max_share_to_split",
)
_KNOWN: Final[dict[type, frozenset[str]]] = {
    HoeffdingTreeClassifier: frozenset((*_TREE_STATE, *_TREE_SETTINGS, "_root", "classes", "splitter")),
    LeafMajorityClass: frozenset(("stats", "depth", "splitter", "splitters", "_disabled_attrs", "_last_split_attempt_at")),
    NumericBinaryBranch: frozenset(("stats", "depth", "feature", "threshold", "children")),
    GaussianSplitter: frozenset(("_min_per_class", "_max_per_class", "_att_dist_per_class", "n_splits")),
    Gaussian: frozenset(("seed", "_rng", "_var")),
    Var: frozenset(("ddof", "mean", "_S")),
    Mean: frozenset(("n", "_mean")),
}


def check_river() -> None:
    """Raises `BadSnapshot` when the River at hand is not the one written down here."""
    if river.__version__ != RIVER_VERSION:
        raise BadSnapshot(f"River {river.__version__} is installed, snapshots are written for {RIVER_VERSION}; install that one")


def _attributes(thing: Any, kind: type) -> dict[str, Any]:
    """`vars(thing)`, once its class and the names of its attributes are exactly the known ones."""
    if type(thing) is not kind:
        raise BadSnapshot(f"{type(thing).__module__}.{type(thing).__qualname__} where {kind.__qualname__} is expected")
    found: dict[str, Any] = vars(thing)
    if found.keys() != _KNOWN[kind]:
        raise BadSnapshot(f"{kind.__qualname__} has other attributes than this codec knows: {sorted(found.keys() ^ _KNOWN[kind])}")
    return found


# --- writing ------------------------------------------------------------------------------------


class _Writer:
    """Walks a tree in preorder and collects its nodes and estimators."""

    def __init__(self, features: tuple[str, ...]) -> None:
        self.number = {name: i for i, name in enumerate(features)}
        self.nodes: list[tuple[Any, ...]] = []
        self.estimators: list[tuple[Any, ...]] = []

    def node(self, node: Any) -> int:
        at = len(self.nodes)
        self.nodes.append(())
        if type(node) is NumericBinaryBranch:
            seen = _attributes(node, NumericBinaryBranch)
            left, right = (self.node(child) for child in seen["children"])
            place = (self.number[seen["feature"]], seen["threshold"], seen["depth"], left, right)
            self.nodes[at] = (*place, *_stats(seen["stats"], active=False), 0.0)
        else:
            seen = _attributes(node, LeafMajorityClass)
            self._leaf(at, seen)
        return at

    def _leaf(self, at: int, seen: dict[str, Any]) -> None:
        if seen["_disabled_attrs"]:
            raise BadSnapshot("a leaf with disabled features: this codec does not know remove_poor_attrs")
        active = seen["splitters"] is not None
        self.nodes[at] = (-1, 0.0, seen["depth"], -1, -1, *_stats(seen["stats"], active=active), float(seen["_last_split_attempt_at"]))
        for name, splitter in (seen["splitters"] or {}).items():
            self._splitter(at, self.number[name], splitter)

    def _splitter(self, at: int, feature: int, splitter: Any) -> None:
        seen = _attributes(splitter, GaussianSplitter)
        for label, gaussian in seen["_att_dist_per_class"].items():
            var = _attributes(_attributes(gaussian, Gaussian)["_var"], Var)
            mean = _attributes(var["mean"], Mean)
            if gaussian.seed is not None or var["ddof"] != 1:
                raise BadSnapshot("a Gaussian with a seed or another ddof than 1")
            bounds = (seen["_min_per_class"][label], seen["_max_per_class"][label])
            self.estimators.append((at, feature, label, *bounds, mean["n"], mean["_mean"], var["_S"]))


def _stats(stats: Mapping[bool, float], *, active: bool) -> tuple[int, bool, float, float]:
    """Class weights of a node as (order, active, n_false, n_true)."""
    order = tuple(stats)
    if order not in _ORDERS:
        raise BadSnapshot(f"classes {order} where booleans are expected")
    return _ORDERS.index(order), active, float(stats.get(False, 0.0)), float(stats.get(True, 0.0))


def encode_tree(tree: HoeffdingTreeClassifier, features: tuple[str, ...]) -> tuple[dict[str, Any], Items, Items]:
    """(JSON-able meta, nodes (n,) of `NODE`, estimators (m,) of `ESTIMATOR`) of a tree over `features`.

    Raises `BadSnapshot` for a tree that this codec cannot give back bit-equally.
    """
    check_river()
    seen = _attributes(tree, HoeffdingTreeClassifier)
    writer = _Writer(features)
    if seen["_root"] is not None:
        writer.node(seen["_root"])
    meta = {
        "state": {name: seen[name] for name in _TREE_STATE},
        "settings": {name: seen[name] for name in _TREE_SETTINGS},
        "n_splits": _attributes(seen["splitter"], GaussianSplitter)["n_splits"],
        "classes": sorted(seen["classes"]),
        "features": list(features),
    }
    nodes, estimators = np.array(writer.nodes, dtype=NODE), np.array(writer.estimators, dtype=ESTIMATOR)
    assert _finite(nodes) and _finite(estimators), "a lesson that is not finite was learned"
    return meta, nodes, estimators


def _finite(items: Items) -> bool:
    return all(bool(np.isfinite(items[name]).all()) for name in items.dtype.names or ())


# --- reading ------------------------------------------------------------------------------------


def _estimate(splitter: GaussianSplitter, row: tuple[Any, ...]) -> None:
    _, _, label, least, most, n, mean, spread = row
    gaussian = Gaussian()
    gaussian._var.mean.n, gaussian._var.mean._mean, gaussian._var._S = n, mean, spread
    splitter._att_dist_per_class[bool(label)] = gaussian
    splitter._min_per_class[bool(label)] = least
    splitter._max_per_class[bool(label)] = most


class _Reader:
    """Builds a tree's nodes from the arrays, preorder."""

    def __init__(self, tree: HoeffdingTreeClassifier, features: tuple[str, ...], nodes: Items, estimators: Items) -> None:
        self.tree, self.features = tree, features
        self.nodes = nodes.tolist()
        self.estimators: dict[int, list[tuple[Any, ...]]] = {}
        for row in estimators.tolist():
            self.estimators.setdefault(row[0], []).append(row)
        self.next = 0

    def node(self) -> Any:
        at = self.next
        if at >= len(self.nodes):
            raise BadSnapshot("the tree's nodes end in the middle")
        self.next += 1
        feature, threshold, depth, left, right, order, active, n_false, n_true, attempted_at = self.nodes[at]
        weights = {False: n_false, True: n_true}
        stats = {label: weights[label] for label in _ORDERS[order]}
        if feature < 0:
            return self._leaf(at, stats, depth, bool(active), attempted_at)
        children = []
        for child in (left, right):
            if child != self.next:
                raise BadSnapshot(f"node {at} names child {child}, preorder has {self.next}")
            children.append(self.node())
        return NumericBinaryBranch(stats, self.features[feature], threshold, depth, *children)

    def _leaf(self, at: int, stats: dict[bool, float], depth: int, active: bool, attempted_at: float) -> LeafMajorityClass:
        leaf = LeafMajorityClass(stats, depth, self.tree.splitter)
        leaf.last_split_attempt_at = attempted_at
        if not active:
            leaf.deactivate()
            return leaf
        for row in self.estimators.get(at, ()):
            splitter = leaf.splitters.setdefault(self.features[row[1]], GaussianSplitter(self.tree.splitter.n_splits))
            _estimate(splitter, row)
        return leaf


def decode_tree(tree: HoeffdingTreeClassifier, meta: Mapping[str, Any], nodes: Items, estimators: Items) -> None:
    """Fills the empty `tree` (made with the settings in force) with a snapshot's state.

    Raises `BadSnapshot` when the snapshot was made with other settings or does not fit together.
    """
    check_river()
    fresh = _attributes(tree, HoeffdingTreeClassifier)
    settings = {name: fresh[name] for name in _TREE_SETTINGS}
    if meta["settings"] != msgspec.json.decode(msgspec.json.encode(settings)) or meta["n_splits"] != tree.splitter.n_splits:
        raise BadSnapshot(f"the tree was made with other settings: {meta['settings']} where {settings} are in force")
    for name in _TREE_STATE:
        setattr(tree, name, meta["state"][name])
    tree.classes = {bool(label) for label in meta["classes"]}
    reader = _Reader(tree, tuple(meta["features"]), nodes, estimators)
    if len(nodes):
        tree._root = reader.node()
    if reader.next != len(nodes):
        raise BadSnapshot(f"{len(nodes) - reader.next} nodes are left over")
