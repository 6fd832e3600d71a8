"""What is served predicts what River predicts, and bytes from elsewhere are refused."""

from __future__ import annotations

from typing import Any, cast

import msgspec
import numpy as np
import pytest

from online_models.finish import FinishModel
from online_models.finish_features import N_FEATURES, as_mapping
from online_models.finish_serving import LINEAR, TREE, BadServing, Serving, encode_serving, parse, predict, predict_one
from online_models.tree_codec import NODE
from tests.lessons_of_known_truth import draw, lessons


@pytest.fixture(scope="module")
def linear() -> FinishModel:
    model = FinishModel()
    for lesson in lessons(2_500, 1):
        model.learn_one(*lesson)
    assert model.champion == "linear"
    return model


@pytest.fixture(scope="module")
def tree() -> FinishModel:
    model = FinishModel()
    for lesson in lessons(6_000, 2, bent=True):
        model.learn_one(*lesson)
    assert model.champion == "tree"
    return model


@pytest.mark.parametrize(("which", "kind"), [("linear", LINEAR), ("tree", TREE)])
def test_the_kernel_predicts_what_river_predicts(which: str, kind: int, request: pytest.FixtureRequest) -> None:
    model: FinishModel = request.getfixturevalue(which)
    serving = parse(model.serving(14))
    assert (serving.kind, serving.version, serving.lessons) == (kind, 14, model.n_lessons)
    x, _ = draw(2_000, seed=9, bent=which == "tree")
    rng = np.random.default_rng(1)
    far = (rng.normal(size=(500, N_FEATURES)) * 20).astype(np.float32)
    for row in np.concatenate((x, far)):
        assert predict_one(serving, row) == pytest.approx(model.predict_one(as_mapping(row)), abs=1e-5)


def test_a_model_that_learned_nothing_serves_a_coin() -> None:
    model = FinishModel()
    assert predict_one(parse(model.serving(1)), np.ones(N_FEATURES, np.float32)) == 0.5
    assert predict_one(Serving.tree(1, 0, np.zeros(0, NODE)), np.ones(N_FEATURES, np.float32)) == 0.5


def test_both_kinds_run_one_compiled_kernel(linear: FinishModel, tree: FinishModel) -> None:
    x = np.zeros(N_FEATURES, np.float32)
    predict_one(parse(linear.serving(1)), x)
    compiled = len(cast(Any, predict).signatures)
    predict_one(parse(tree.serving(1)), x)
    assert len(cast(Any, predict).signatures) == compiled


def test_what_is_parsed_encodes_to_the_same_bytes(linear: FinishModel, tree: FinishModel) -> None:
    for model in (linear, tree):
        assert encode_serving(parse(model.serving(3))) == model.serving(3)


@pytest.mark.parametrize("x", [np.inf, -np.inf, np.nan, 3e38])
def test_the_kernel_answers_a_probability_even_for_what_fill_never_makes(x: float, linear: FinishModel, tree: FinishModel) -> None:
    for model in (linear, tree):
        p = predict_one(parse(model.serving(1)), np.full(N_FEATURES, x, np.float32))
        assert 0.0 < p < 1.0


@pytest.mark.parametrize(
    "change",
    [
        {"champion": "forest"},
        {"features": ["a"]},
        {"feature": []},
        {"leaf": [0.5]},
        {"left": [0] * 999},
        {"threshold": ["x"]},
        {"feature": [99]},
    ],
)
def test_a_tree_that_does_not_add_up_is_refused(change: dict[str, object], tree: FinishModel) -> None:
    wire = msgspec.json.decode(tree.serving(1))
    with pytest.raises(BadServing):
        parse(msgspec.json.encode({**wire, **change}))


def test_a_tree_whose_walk_would_not_end_is_refused(tree: FinishModel) -> None:
    wire = msgspec.json.decode(tree.serving(1))
    wire["left"][0] = 0
    with pytest.raises(BadServing, match="does not follow"):
        parse(msgspec.json.encode(wire))


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b'{"champion": 1}', b"\x80\x04"])
def test_bytes_that_are_no_model_are_refused(raw: bytes) -> None:
    with pytest.raises(BadServing):
        parse(raw)


def test_weights_that_are_not_finite_are_refused(linear: FinishModel) -> None:
    wire = msgspec.json.decode(linear.serving(1))
    for change in ({"weights": [None] * N_FEATURES}, {"weights": wire["weights"][:-1]}, {"bias": None}):
        with pytest.raises(BadServing):
            parse(msgspec.json.encode({**wire, **change}))
