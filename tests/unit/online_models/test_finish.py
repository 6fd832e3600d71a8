"""The finish model learns what there is to learn, and the better of its two rivals answers."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest

from online_models.checks import Lesson
from online_models.contest import log_loss
from online_models.error_drift import ErrorDrift
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


@pytest.mark.parametrize(("name", "value"), [("format", 1), ("river", "0.25.0"), ("features", ["a"]), ("n_lessons", None)])
def test_a_snapshot_of_another_build_is_refused(name: str, value: object) -> None:
    parts = taught(50, bent=False).snapshot()
    meta = {**msgspec.json.decode(parts["meta"]), name: value}
    with pytest.raises(BadSnapshot):
        FinishModel.restore({**parts, "meta": msgspec.json.encode(meta)})


def turned(n: int, *, bent: bool, after: int) -> list[Lesson]:
    """Lessons of the law, and of its opposite from lesson `after` on."""
    return [lesson if i < after else lesson._replace(y=not lesson.y) for i, lesson in enumerate(lessons(n, 5, bent=bent))]


def mean_loss(said: list[float], learned: list[Lesson]) -> float:
    return float(np.mean([log_loss(p, lesson.y) for p, lesson in zip(said, learned, strict=True)]))


def test_when_the_law_turns_the_tree_begins_anew_and_soon_knows_better(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lessons 2,000 to 4,000 after the law turned, by the model as it is and by one whose watch is blind."""
    stream, losses, happened = turned(12_000, bent=True, after=8_000), {}, []
    for sees in (True, False):
        if not sees:
            monkeypatch.setattr(ErrorDrift, "learn_one", lambda drift, loss: None)
        model, said = FinishModel(), []
        for lesson in stream:
            said.append(model.predict_one(lesson.x))
            model.learn_one(*lesson)
            happened += model.take_news().happened
        losses[sees] = mean_loss(said[10_000:], stream[10_000:])
    assert losses[True] < 0.55 < 0.6 < losses[False]
    (drift,) = happened
    assert (drift.what, drift.about) == ("drift", "tree")
    assert 8_000 < int(drift.detail["lessons"]) < 9_000
    assert float(drift.detail["before"]) < float(drift.detail["after"])


def test_a_model_restored_in_the_middle_of_a_drift_goes_on_bit_by_bit() -> None:
    stream = turned(3_200, bent=True, after=2_000)
    whole = FinishModel()
    restored: list[FinishModel] = []
    for n, lesson in enumerate(stream):
        if n in {1_990, 2_100, 2_300, 3_000}:
            restored.append(FinishModel.restore(whole.snapshot()))
        for model in (whole, *restored):
            model.learn_one(*lesson)
    assert [h.about for h in whole.take_news().happened] == ["tree"]
    assert all(model.snapshot() == whole.snapshot() for model in restored)
