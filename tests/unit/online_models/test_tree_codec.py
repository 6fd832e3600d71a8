"""A tree comes back bit-equal, and what the codec does not know is refused."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest
from river.tree import ExtremelyFastDecisionTreeClassifier, HoeffdingTreeClassifier

from online_models.arrays import F32
from online_models.model import BadSnapshot
from online_models.tree_codec import ESTIMATOR, NODE, decode_tree, encode_tree

NAMES = ("a", "b", "c", "d")


def new_tree(**settings: Any) -> HoeffdingTreeClassifier:
    return HoeffdingTreeClassifier(**{"leaf_prediction": "mc", "grace_period": 50, "max_depth": 3, "delta": 1e-3, **settings})


def rows(n: int, seed: int) -> tuple[F32, Any]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, len(NAMES))).astype(np.float32)
    y = (x[:, 0] * x[:, 1] > 0) ^ (rng.random(n) < 0.1)
    return x, y


def learn(tree: HoeffdingTreeClassifier, x: F32, y: Any, weights: Any = None) -> None:
    for i, row in enumerate(x.tolist()):
        tree.learn_one(dict(zip(NAMES, row, strict=True)), bool(y[i]), w=1.0 if weights is None else float(weights[i]))


def copied(tree: HoeffdingTreeClassifier, **settings: Any) -> HoeffdingTreeClassifier:
    meta, nodes, estimators = encode_tree(tree, NAMES)
    again = new_tree(**settings)
    decode_tree(
        again,
        msgspec.json.decode(msgspec.json.encode(meta)),
        np.frombuffer(nodes.tobytes(), NODE),
        np.frombuffer(estimators.tobytes(), ESTIMATOR),
    )
    return again


def same(a: HoeffdingTreeClassifier, b: HoeffdingTreeClassifier) -> bool:
    first, second = encode_tree(a, NAMES), encode_tree(b, NAMES)
    return first[0] == second[0] and all(x.tobytes() == y.tobytes() for x, y in zip(first[1:], second[1:], strict=True))


def test_a_copy_at_any_point_goes_on_bit_equally() -> None:
    x, y = rows(4_000, seed=1)
    weights = np.random.default_rng(2).uniform(0.2, 3.0, 4_000)
    tree = new_tree()
    copies: list[HoeffdingTreeClassifier] = []
    for start in range(0, 4_000, 400):
        copies.append(copied(tree))
        for one in (tree, *copies):
            learn(one, x[start : start + 400], y[start : start + 400], weights[start : start + 400])
    assert tree.n_nodes > 8, "the copies went through splits"
    assert tree.n_inactive_leaves > 0, "and through leaves that no longer grow"
    for one in copies:
        assert same(one, tree)
        for row in x[:200].tolist():
            named = dict(zip(NAMES, row, strict=True))
            assert one.predict_proba_one(named) == tree.predict_proba_one(named)


def test_an_empty_tree_comes_back_empty() -> None:
    assert copied(new_tree())._root is None


def test_a_tree_that_saw_one_class_comes_back() -> None:
    tree = new_tree()
    learn(tree, np.ones((3, 4), np.float32), [True, True, True])
    assert same(copied(tree), tree)
    assert copied(tree).predict_proba_one({"a": 1.0}) == {True: 1.0}


def test_other_settings_are_refused() -> None:
    with pytest.raises(BadSnapshot, match="other settings"):
        copied(new_tree(), grace_period=51)


@pytest.mark.parametrize(
    "settings", [{"leaf_prediction": "nba"}, {"nominal_attributes": ["a"]}], ids=["leaves that count naive Bayes", "nominal features"]
)
def test_a_tree_of_another_make_is_refused(settings: dict[str, Any]) -> None:
    tree = new_tree(**settings)
    learn(tree, *rows(30, seed=3))
    with pytest.raises(BadSnapshot, match="expected"):
        encode_tree(tree, NAMES)


def test_a_tree_of_another_class_is_refused() -> None:
    with pytest.raises(BadSnapshot, match="HoeffdingTreeClassifier is expected"):
        encode_tree(ExtremelyFastDecisionTreeClassifier(), NAMES)


def test_classes_that_are_not_booleans_are_refused() -> None:
    tree = new_tree()
    tree.learn_one(dict.fromkeys(NAMES, 1.0), "yes")
    with pytest.raises(BadSnapshot, match="booleans"):
        encode_tree(tree, NAMES)


def test_an_attribute_that_the_codec_does_not_know_is_refused() -> None:
    tree = new_tree()
    tree.learn_one(dict.fromkeys(NAMES, 1.0), True)
    tree._root.invented_later = 1
    with pytest.raises(BadSnapshot, match="invented_later"):
        encode_tree(tree, NAMES)


def test_another_river_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("online_models.tree_codec.river.__version__", "0.27.0")
    with pytest.raises(BadSnapshot, match=r"0\.27\.0"):
        encode_tree(new_tree(), NAMES)


@pytest.mark.parametrize("harm", ["cut", "doubled", "child"])
def test_nodes_that_are_no_tree_are_refused(harm: str) -> None:
    tree = new_tree()
    learn(tree, *rows(2_000, seed=4))
    meta, nodes, estimators = encode_tree(tree, NAMES)
    broken = {"cut": nodes[:-1], "doubled": np.concatenate((nodes, nodes)), "child": nodes.copy()}[harm]
    if harm == "child":
        broken["right"][0] = 1
    with pytest.raises(BadSnapshot):
        decode_tree(new_tree(), meta, broken, estimators)
