"""The champion is the better one by far enough and for long enough."""

from __future__ import annotations

import math

import pytest

from online_models.contest import MARGIN, REIGN_MIN, REOPENED_MIN, WINDOW, Contest, held, log_loss


def judged(contest: Contest, n: int, linear: float, tree: float) -> Contest:
    """After `n` plays that were finished, each rival having said the same every time."""
    for _ in range(n):
        contest.judge_one({"linear": linear, "tree": tree}, True, 1.0)
    return contest


def test_the_first_rival_serves_until_another_earns_it() -> None:
    assert Contest(("linear", "tree")).champion == "linear"
    assert judged(Contest(("linear", "tree")), REIGN_MIN - 1, 0.5, 0.9).champion == "linear"
    assert judged(Contest(("linear", "tree")), REIGN_MIN, 0.5, 0.9).champion == "tree"


def test_a_lead_below_the_margin_changes_nothing() -> None:
    slightly_better = math.exp(math.log(0.6) * (1 - MARGIN / 2))
    clearly_better = math.exp(math.log(0.6) * (1 - MARGIN * 2))
    assert judged(Contest(("linear", "tree")), 10 * REIGN_MIN, 0.6, slightly_better).champion == "linear"
    assert judged(Contest(("linear", "tree")), 10 * REIGN_MIN, 0.6, clearly_better).champion == "tree"


def test_the_champion_follows_a_drift_within_a_few_windows() -> None:
    contest = judged(Contest(("linear", "tree")), 20_000, 0.5, 0.9)
    assert judged(contest, int(3 * WINDOW), 0.9, 0.5).champion == "linear"


def test_a_rival_that_saw_one_class_only_costs_no_infinite_loss() -> None:
    assert log_loss(held(0.0), True) == pytest.approx(-math.log(0.001))
    assert math.isfinite(log_loss(held(1.0), False))


def test_before_the_first_lesson_the_loss_is_a_coins() -> None:
    assert Contest(("linear", "tree")).mean_loss("tree") == pytest.approx(math.log(2))


def test_weights_count() -> None:
    contest = Contest(("linear", "tree"))
    contest.judge_one({"linear": 0.5, "tree": 0.9}, True, 3.0)
    contest.judge_one({"linear": 0.5, "tree": 0.1}, True, 1.0)
    expected = (3 * log_loss(0.9, True) * (1 - 1 / WINDOW) + log_loss(0.1, True)) / (3 * (1 - 1 / WINDOW) + 1)
    assert contest.mean_loss("tree") == pytest.approx(expected)


def test_it_goes_on_from_its_state() -> None:
    contest = judged(Contest(("linear", "tree")), 700, 0.4, 0.7)
    again = Contest.from_state(contest.state(), ("linear", "tree"))
    assert judged(contest, 300, 0.8, 0.7).state() == judged(again, 300, 0.8, 0.7).state()


def test_a_state_of_other_rivals_is_refused() -> None:
    with pytest.raises(KeyError):
        Contest.from_state({**Contest(("linear", "forest")).state()}, ("linear", "tree"))


def test_a_contest_that_was_reopened_is_won_by_who_is_better_from_now_on() -> None:
    """Without it, what was lost and won long ago would stand for thousands of lessons."""
    taken = {}
    for reopens in (False, True):
        contest = Contest(("a", "b"))
        for _ in range(3_000):
            contest.judge_one({"a": 0.9, "b": 0.3}, True, 1.0)
        if reopens:
            contest.reopen()
        taken[reopens] = 0
        while contest.champion == "a":
            contest.judge_one({"a": 0.4, "b": 0.6}, True, 1.0)
            taken[reopens] += 1
    assert taken[True] == REOPENED_MIN
    assert taken[False] > 1_000


def test_a_reopened_contest_crowns_nobody_at_once() -> None:
    contest = Contest(("a", "b"))
    contest.reopen()
    contest.judge_one({"a": 0.4, "b": 0.9}, True, 1.0)
    assert contest.champion == "a" and contest.mean_loss("b") < contest.mean_loss("a")
