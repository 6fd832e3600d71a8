"""The measurement of segments: rivals know what was answered and nothing else, and figures are those of the questions asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from evaluation.lengths import Lengths
from evaluation.log import new_log
from evaluation.segment_rivals import Questions, plain
from evaluation.segments import TooShort, _auc, evaluate
from online_models.segments.features import HABIT_FEATURES
from online_models.segments.waiting import RETURNING

DAY_MS = 86_400_000


@contextmanager
def quiet(what: str, total: int) -> Iterator[Callable[[int], None]]:
    yield lambda done: None


def questions(n: int, seed: int) -> Questions:
    """Asked one a row; an answer teaches 30 rows later."""
    rng = np.random.default_rng(seed)
    x = rng.random((n, len(HABIT_FEATURES))).astype(np.float32)
    user, y = rng.integers(0, 9, n).astype(np.int32), rng.random(n) < 0.3
    return Questions(RETURNING, HABIT_FEATURES, x, user, y, np.arange(n), np.arange(n) + 30)


def test_no_rival_is_told_an_answer_before_it_is_known() -> None:
    asked = questions(300, 1)
    changed = asked.y.copy()
    changed[100:] = True
    for name, rival in plain(RETURNING).items():
        same = rival(asked) == rival(asked._replace(y=changed))
        assert same[:130].all() and same[140:].mean() < 0.1, name


def test_a_share_goes_to_what_it_is() -> None:
    asked = questions(2_000, 2)
    said = plain(RETURNING)["everybody's share"](asked)
    assert said[0] == 0.5 and said[-1] == pytest.approx(asked.y.mean(), abs=0.02)


def test_equals_count_half_in_the_auc() -> None:
    y = np.array([True, False, True, False])
    assert _auc(np.array([0.9, 0.1, 0.8, 0.2]), y) == 1.0
    assert _auc(np.full(4, 0.5), y) == 0.5 and _auc(np.array([0.1, 0.9, 0.1, 0.1]), y) == 0.25
    assert _auc(np.ones(2), np.array([True, True])) == 0.5


def test_a_tracks_length_is_the_median_of_what_was_heard() -> None:
    lengths = Lengths()
    for seconds in (200.0, 30.0, 210.0):
        assert lengths.length_s(1) is None
        lengths.learn(1, seconds)
    assert lengths.length_s(1) == 200.0 and lengths.length_s(2) is None


def test_who_explores_is_told_from_who_does_not() -> None:
    """Six people: half hear the same ten tracks, half always others; nobody's lengths are told."""
    n = 1_500
    user = np.arange(n) % 6
    track = np.where(user < 3, np.arange(n) // 6 % 10, 100 + np.arange(n))
    log = new_log(user, track, np.arange(n) * 1_000_000 + DAY_MS)
    report = evaluate(log, None, every=4, seed=1, river=False, steps=quiet)
    found = report["targets"]["exploring"]
    assert set(report["targets"]) == {"exploring", "returning"} and report["left_out"] == 0
    assert found["log_loss"] == min(found["log_loss"], found["rivals"]["everybody's share"]["log_loss"])
    low, mean, high = found["rivals"]["everybody's share"]["ahead"]["log_loss"]
    assert 0.0 < low <= mean <= high and found["accuracy"] > 0.9
    assert set(found["models"]) == {"linear", "tree", "forest", "blend"} and set(found["forest_gain"]) == {"log_loss", "accuracy"}
    assert {example["target"] for example in report["examples"]} == {"exploring", "returning"}


def test_a_log_without_answers_is_too_short() -> None:
    log = new_log(np.arange(5), np.arange(5), np.arange(5) * 1_000)
    with pytest.raises(TooShort):
        evaluate(log, None, 1, 1, False, quiet)
