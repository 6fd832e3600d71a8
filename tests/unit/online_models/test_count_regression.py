"""The count model keeps the promises of a model, and finds the rates that there are."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from online_models import checks
from online_models.checks import Kind, Lesson, Lessons
from online_models.counts.features import FEATURES, N_FEATURES
from online_models.counts.regression import COUNT_MAX, CountModel, deviance
from online_models.model import BadLesson

TRUE = {"bias": -1.0, "activation_log": 1.0, "in_session": 0.7, "rate_log": 0.3}


def drawn(n: int, seed: int) -> tuple[list[dict[str, float]], np.ndarray]:
    """(questions, true means): a law that the model can follow."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0.0, 0.5, (n, N_FEATURES)).astype(np.float32)
    x[:, 0] = 1.0
    rows = [dict(zip(FEATURES, row, strict=True)) for row in x.tolist()]
    return rows, np.array([math.exp(sum(w * row[name] for name, w in TRUE.items())) for row in rows])


@pytest.fixture(scope="module")
def some_lessons() -> list[Lesson]:
    rows, means = drawn(300, 4)
    counts = np.random.default_rng(5).poisson(means)
    return [Lesson(x, int(y), 1.0 + n % 3) for n, (x, y) in enumerate(zip(rows, counts, strict=True))]


@pytest.mark.parametrize("check", [c for c in checks.CHECKS if c is not checks.predictions_are_probabilities], ids=lambda c: c.__name__)
def test_it_keeps_the_promise(check: Callable[[Kind, Lessons], None], some_lessons: list[Lesson]) -> None:
    check(CountModel, some_lessons)


def test_it_comes_close_to_the_true_rates() -> None:
    rows, means = drawn(6_000, 1)
    counts = np.random.default_rng(2).poisson(means)
    model, mine, best, mean = CountModel(), 0.0, 0.0, float(counts.mean())
    for x, y in zip(rows[:4_000], counts, strict=False):
        model.learn_one(x, float(y))
    for x, y, m in zip(rows[4_000:], counts[4_000:], means[4_000:], strict=True):
        mine += deviance(float(y), model.predict_one(x)) - deviance(float(y), mean)
        best += deviance(float(y), m) - deviance(float(y), mean)
    assert mine < 0.85 * best < 0.0, "it saves most of what the truth saves over the mean"


def test_one_listener_of_a_thousand_plays_does_not_bend_it() -> None:
    rows, means = drawn(2_000, 1)
    counts = np.random.default_rng(2).poisson(means)
    model = CountModel()
    for x, y in zip(rows, counts, strict=True):
        model.learn_one(x, float(y))
    before = model.predict_one(rows[0])
    model.learn_one(rows[0], 1_000.0)
    assert before < model.predict_one(rows[0]) < 1.2 * before


def test_many_lessons_at_once_teach_as_one_by_one() -> None:
    rows, means = drawn(200, 3)
    x, y = np.array([list(row.values()) for row in rows], np.float32), np.round(means)
    one, many = CountModel(), CountModel()
    many.learn_many(x, y, np.ones(len(y)))
    for row, count in zip(rows, y.tolist(), strict=True):
        one.learn_one(row, count)
    assert one.snapshot() == many.snapshot()
    assert many.predict_many(x).tolist() == [one.predict_one(row) for row in rows]


def test_a_heavier_lesson_counts_as_several() -> None:
    light, heavy = CountModel(), CountModel()
    light.learn_one({"bias": 1.0}, 3.0)
    heavy.learn_one({"bias": 1.0}, 3.0, 5.0)
    assert 0.2 < light.predict_one({"bias": 1.0}) < heavy.predict_one({"bias": 1.0})


@pytest.mark.parametrize("y", [-1.0, math.nan, math.inf, COUNT_MAX + 1.0])
def test_a_label_that_is_no_count_is_refused(y: float) -> None:
    model = CountModel()
    with pytest.raises(BadLesson) as refused:
        model.learn_one({"bias": 1.0}, y)
    assert refused.value.reason == "range" and model.snapshot() == CountModel().snapshot()


@pytest.mark.parametrize("value", [math.inf, math.nan, 1e300, -1e300])
def test_an_answer_is_finite_whatever_is_asked(value: float) -> None:
    model = CountModel()
    for row in drawn(50, 1)[0]:
        model.learn_one(row, 2.0)
    assert 0.0 < model.predict_one({"activation_log": value}) < 150.0


def test_its_score_is_that_of_answers_given_before_the_lesson() -> None:
    model = CountModel()
    model.learn_one({"bias": 1.0}, 2.0)
    assert model.scores()["deviance"] == pytest.approx(deviance(2.0, 0.2))
