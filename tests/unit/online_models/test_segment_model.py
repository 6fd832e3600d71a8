"""A segment's model keeps the promises of a model, and its parts do what each is there for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from online_models import checks
from online_models.checks import Kind, Lesson, Lessons
from online_models.error_drift import ErrorDrift
from online_models.segments.features import PLAY_FEATURES
from online_models.segments.forest import SLOW, Forest, draws
from online_models.segments.model import PlayModel, SegmentModel
from online_models.segments.rule import rule


def drawn(n: int, seed: int, *, bent: bool = False) -> list[Lesson]:
    """Plays heard out by a law: of one feature along a line, or (bent) only in its middle."""
    rng = np.random.default_rng(seed)
    x = rng.random((n, len(PLAY_FEATURES)))
    z = np.where((x[:, 3] > 0.3) & (x[:, 3] < 0.7), 2.0, -2.0) if bent else 6.0 * (x[:, 3] - 0.5)
    y = rng.random(n) < 1.0 / (1.0 + np.exp(-z))
    return [Lesson(dict(zip(PLAY_FEATURES, row, strict=True)), bool(yes)) for row, yes in zip(x.tolist(), y, strict=True)]


class Short(SegmentModel):
    """A model of few features: it keeps the same promises in less time."""

    FEATURES = PLAY_FEATURES[:5]


@pytest.fixture(scope="module")
def some_lessons() -> list[Lesson]:
    return [Lesson(dict(list(lesson.x.items())[:5]), lesson.y, 1.0 + n % 3) for n, lesson in enumerate(drawn(60, 4))]


@pytest.mark.parametrize("check", checks.CHECKS, ids=lambda check: check.__name__)
def test_it_keeps_the_promise(check: Callable[[Kind, Lessons], None], some_lessons: list[Lesson]) -> None:
    check(Short, some_lessons)


@pytest.fixture(scope="module")
def bent() -> PlayModel:
    model = PlayModel()
    for lesson in drawn(900, 1, bent=True):
        model.learn_one(*lesson)
    return model


def test_the_line_comes_close_where_a_line_can_follow() -> None:
    model = Short()
    for lesson in drawn(600, 1):
        model.learn_one(*lesson)
    middle = {name: 0.5 for name in Short.FEATURES}
    assert model.say({**middle, "track_finish_share": 0.95})["linear"] > 0.7
    assert model.say({**middle, "track_finish_share": 0.05})["linear"] < 0.3


def test_who_can_bend_takes_over_where_no_line_can_follow(bent: PlayModel) -> None:
    scores = bent.scores()
    assert bent.champion in ("tree", "forest", "blend")
    assert float(scores["log_loss_forest"]) < float(scores["log_loss_linear"]) - 0.1
    assert float(scores["log_loss_blend"]) < float(scores["log_loss_linear"]) - 0.1


def test_a_rule_says_between_which_bounds_somebody_fell(bent: PlayModel) -> None:
    middle = {name: 0.5 for name in PLAY_FEATURES}
    found = rule(bent.served().bounds(middle))
    assert any("track finish share" in text for text in found)
    assert found != rule(bent.served().bounds({**middle, "track_finish_share": 0.05}))
    assert rule(PlayModel().served().bounds(middle)) == []


def turned(n: int, *, bent: bool, after: int) -> list[Lesson]:
    """Lessons of the law, and of its opposite from lesson `after` on."""
    found = [lesson if i < after else lesson._replace(y=not lesson.y) for i, lesson in enumerate(drawn(n, 5, bent=bent))]
    return [lesson._replace(x=dict(list(lesson.x.items())[: len(Short.FEATURES)])) for lesson in found]


@pytest.fixture(scope="module")
def turning() -> tuple[list[Lesson], Short, list[str]]:
    """A law that turns after 3,000 lessons; a model that heard 1,000 more, and who erred in between."""
    stream, model = turned(4_000, bent=False, after=3_000), Short()
    for lesson in stream[:3_000]:
        model.learn_one(*lesson)
    assert model.take_rises() == []
    for lesson in stream[3_000:]:
        model.learn_one(*lesson)
    return stream, model, [name for name, rise in model.take_rises() if rise.after > rise.before]


def test_when_the_law_turns_whoever_erred_soon_knows_better(
    turning: tuple[list[Lesson], Short, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, model, erred = turning
    assert {"linear", "tree"} <= set(erred)
    monkeypatch.setattr(ErrorDrift, "learn_one", lambda drift, loss: None)
    blind = Short()
    for lesson in stream:
        blind.learn_one(*lesson)
    middle = {name: 0.5 for name in Short.FEATURES}
    for x in ({**middle, "track_finish_share": 0.95}, {**middle, "track_finish_share": 0.05}):
        known, stale, is_high = model.say(x), blind.say(x), x["track_finish_share"] > 0.5
        for name in ("linear", "tree"):
            assert (known[name] < stale[name] - 0.1) if is_high else (known[name] > stale[name] + 0.1), name


def test_a_model_restored_in_the_middle_of_a_drift_goes_on_bit_by_bit() -> None:
    whole, restored = Short(), list[SegmentModel]()
    for n, lesson in enumerate(turned(4_000, bent=False, after=3_000)):
        if n in {2_990, 3_100, 3_400, 3_900}:
            restored.append(Short.restore(whole.snapshot()))
        for model in (whole, *restored):
            model.learn_one(*lesson)
    assert whole.take_rises()
    assert all(model.snapshot() == whole.snapshot() for model in restored)


def test_trees_that_go_off_begin_again() -> None:
    forest, rng = Forest(PLAY_FEATURES), np.random.default_rng(1)
    forest._ages[:] = SLOW  # as after so many lessons
    forest._losses[:] = 0.2
    for _ in range(60):
        x = dict(zip(PLAY_FEATURES, rng.random(len(PLAY_FEATURES)).tolist(), strict=True))
        forest.learn(x, bool(rng.random() < 0.5), 1.0, forest.say(x))
    assert forest.n_replaced >= 10 and (forest._ages < 60).any()


def test_each_tree_sees_lessons_six_times_in_the_mean_and_another_draw() -> None:
    found = np.array([draws(n) for n in range(2_000)])
    assert 5.8 < found.mean() < 6.2
    assert abs(float(np.corrcoef(found[:, 0], found[:, 1])[0, 1])) < 0.1
