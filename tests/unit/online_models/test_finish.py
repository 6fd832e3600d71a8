"""The finish model learns what there is to learn, and the better of its two rivals answers."""

from __future__ import annotations

import math

import msgspec
import pytest

from online_models.finish import DEPTH_MAX, FinishModel
from online_models.model import BadLesson, BadSnapshot
from tests.lessons_of_known_truth import draw, lessons


def taught(n: int, *, bent: bool, seed: int = 1, w: float = 1.0) -> FinishModel:
    model = FinishModel()
    for lesson in lessons(n, seed, bent=bent, w=w):
        model.learn_one(*lesson)
    return model


def truth_loss(seed: int, n: int, *, bent: bool) -> float:
    """Log-loss of who knows the law."""
    _, p = draw(n, seed, bent=bent)
    return float(-(p * [math.log(q) for q in p] + (1 - p) * [math.log(1 - q) for q in p]).mean())


def test_it_comes_close_to_the_truth_where_a_line_can_follow() -> None:
    model = taught(8_000, bent=False)
    assert model.champion == "linear"
    assert float(model.scores()["log_loss_linear"]) < truth_loss(1, 8_000, bent=False) + 0.04


def test_the_tree_takes_over_where_no_line_can_follow() -> None:
    model = taught(12_000, bent=True)
    assert model.champion == "tree"
    assert float(model.scores()["log_loss_tree"]) < float(model.scores()["log_loss_linear"]) - 0.05


def test_a_sender_that_samples_one_play_in_ten_teaches_at_the_same_pace() -> None:
    whole, sampled = taught(3_000, bent=False), taught(3_000, bent=False, w=10.0)
    x = lessons(1, 5)[0].x
    assert sampled.predict_one(x) == pytest.approx(whole.predict_one(x), abs=0.03)


def test_a_heavier_lesson_counts_more_than_a_light_one() -> None:
    even, uneven = FinishModel(), FinishModel()
    for n, lesson in enumerate(lessons(2_000, 3)):
        even.learn_one(lesson.x, n % 2 == 0)
        uneven.learn_one(lesson.x, n % 2 == 0, 4.0 if n % 2 == 0 else 1.0)
    x = lessons(1, 5)[0].x
    assert even.predict_one(x) == pytest.approx(0.5, abs=0.1)
    assert uneven.predict_one(x) == pytest.approx(0.8, abs=0.1)


@pytest.mark.parametrize(
    ("x", "w", "reason"),
    [({"bias": math.nan}, 1.0, "not-finite"), ({"bias": 1e5}, 1.0, "range"), ({}, math.inf, "not-finite"), ({}, 0.0, "weight")],
)
def test_a_bad_lesson_is_refused_with_its_reason(x: dict[str, float], w: float, reason: str) -> None:
    with pytest.raises(BadLesson) as refused:
        FinishModel().learn_one(x, True, w)
    assert refused.value.reason == reason


def test_the_tree_stays_within_its_depth() -> None:
    model = taught(12_000, bent=True)
    assert 3 <= model._tree.n_nodes <= 2 ** (DEPTH_MAX + 1) - 1
    assert model._tree.height <= DEPTH_MAX + 1


@pytest.mark.parametrize(("name", "value"), [("format", 2), ("river", "0.25.0"), ("features", ["a"]), ("n_lessons", None)])
def test_a_snapshot_of_another_build_is_refused(name: str, value: object) -> None:
    parts = taught(50, bent=False).snapshot()
    meta = {**msgspec.json.decode(parts["meta"]), name: value}
    with pytest.raises(BadSnapshot):
        FinishModel.restore({**parts, "meta": msgspec.json.encode(meta)})
