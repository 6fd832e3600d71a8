"""The measurement of play counts: rivals know what was ripe and nothing else, and figures are those of the questions asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from evaluation.count_rivals import PAIR_PRIOR, RIVALS, Asked, _past, asked, user_rate
from evaluation.counts import TooShort, evaluate
from evaluation.log import Log, new_log

DAY_MS = 86_400_000
HOUR_MS = DAY_MS // 24


@contextmanager
def quiet(what: str, total: int) -> Iterator[Callable[[int], None]]:
    yield lambda done: None


def sittings(n: int, seed: int, n_tracks: int = 60) -> Log:
    """Eight people over three months, six plays a sitting: half of them play one track over and over, half any."""
    rng = np.random.default_rng(seed)
    user = np.repeat(rng.integers(0, 8, n // 6), 6)
    at_ms = np.repeat(np.sort(rng.integers(0, 90 * DAY_MS, n // 6)), 6) + np.tile(np.arange(6) * 200_000, n // 6)
    loops = np.repeat(rng.integers(0, n_tracks, n // 6), 6)
    track = np.where(user < 4, loops, rng.integers(0, n_tracks, len(user)))
    order = np.argsort(at_ms, kind="stable")
    return new_log(user[order], track[order], at_ms[order])


def questions_of(log: Log, rows: np.ndarray, days: float, plays: np.ndarray) -> Asked:
    return asked(log.user[rows], log.track[rows], log.at_ms[rows], rows, plays, int(days * DAY_MS))


def test_a_pairs_past_is_what_the_log_says() -> None:
    log = sittings(600, 1)
    rows = np.sort(np.random.default_rng(2).choice(log.n, 200))
    n, since_ms = _past(questions_of(log, rows, 7, np.zeros(200)), log)
    for i, row in enumerate(rows.tolist()):
        same = np.flatnonzero((log.user[: row + 1] == log.user[row]) & (log.track[: row + 1] == log.track[row]))
        assert n[i] == len(same) and since_ms[i] == log.at_ms[row] - log.at_ms[same[0]]


def test_no_rival_is_told_a_label_before_it_is_ripe() -> None:
    log = sittings(600, 3)
    rows = np.arange(log.n)
    plays = np.random.default_rng(1).poisson(0.5, log.n).astype(float)
    changed, cut = plays.copy(), 300
    changed[cut:] = 9.0
    before, after = questions_of(log, rows, 7, plays), questions_of(log, rows, 7, changed)
    still = log.at_ms <= log.at_ms[cut] + 7 * DAY_MS
    assert cut < still.sum() < log.n
    for name, rival in RIVALS.items():
        same = rival(before, log) == rival(after, log)
        assert same[still].all(), name
        assert not same.all(), name


def test_a_label_is_ripe_once_its_last_moment_is_over() -> None:
    user, at_ms = np.zeros(3, np.int32), np.array([0, 7 * DAY_MS, 7 * DAY_MS + 1])
    assert asked(user, user, at_ms, np.arange(3), np.zeros(3), 7 * DAY_MS).known.tolist() == [0, 0, 1]


def test_a_users_rate_goes_from_everybodys_to_their_own() -> None:
    user = np.zeros(2_000, np.int32)
    user[::2] = 1
    at_ms = np.arange(2_000) * DAY_MS
    plays = np.where(user == 1, 2.0, 0.0)
    found = user_rate(asked(user, user, at_ms, np.arange(2_000), plays, 7 * DAY_MS), sittings(60, 1))
    assert found[0] == pytest.approx(0.2)
    assert found[-2:].tolist() == pytest.approx([2.0, 0.0], abs=0.05)


def test_the_pairs_rate_is_drawn_to_its_prior() -> None:
    log = new_log(np.array([0, 0, 0]), np.array([1, 1, 2]), np.array([0, 7 * DAY_MS, 7 * DAY_MS]))
    said = RIVALS["the pair's rate"](questions_of(log, np.array([1, 2]), 7, np.zeros(2)), log)
    assert said[0] / said[1] == pytest.approx((1 + PAIR_PRIOR) / 14 / (PAIR_PRIOR / 7))


def test_the_report_says_what_was_asked_and_who_was_better() -> None:
    log = sittings(6_000, 5, n_tracks=2_000)
    report = evaluate(log, every=3, seed=1, river_every=10, steps=quiet)
    week, month = report["horizons"]["7 days"], report["horizons"]["30 days"]
    assert report["plays"] == log.n and report["left_out"] == 0
    assert report["asked"] / 2 > week["tested"] > month["tested"] > 1_000
    assert week["best_rival"] == min(week["rivals"], key=lambda name: week["rivals"][name]["deviance"])
    low, mean, high = week["below_best"]
    assert 0.0 < low < mean < high < 1.0, "who loops is told from who does not"
    assert mean == pytest.approx(1 - week["deviance"] / week["rivals"][week["best_rival"]]["deviance"], abs=1e-4)
    assert set(report["river"]) == {"Poisson regression", "Hoeffding tree"}
    assert all(0 < rival["tested"] < week["tested"] / 2 for rival in report["river"].values())


def test_the_same_seed_finds_the_same() -> None:
    log = sittings(4_000, 5)
    first, second, other = (evaluate(log, 3, seed, 0, quiet)["horizons"] for seed in (1, 1, 2))
    assert first == second != other


def test_a_log_of_a_month_is_too_short() -> None:
    log = sittings(600, 1)
    kept = log.at_ms < 29 * DAY_MS
    month = new_log(log.user[kept].astype(np.int64), log.track[kept].astype(np.int64), log.at_ms[kept])
    with pytest.raises(TooShort):
        evaluate(month, 2, 1, 0, quiet)
