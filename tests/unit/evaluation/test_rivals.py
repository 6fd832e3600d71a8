"""Each rival against a few lines of plain Python that say what it should list."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from evaluation import tables
from evaluation.log import Log, new_log
from evaluation.rivals.all import RIVALS
from evaluation.rivals.factors import SAMPLE
from evaluation.rivals.pairs import COVISITS, ITEM_KNN
from evaluation.rivals.popularity import DAY_MS, HALFLIFE_DAYS
from evaluation.rivals.rival import Task
from online_models.arrays import F64, I32
from online_models.rank import LENGTH

Score = defaultdict[int, float]
N, TRACKS, USERS = 1_500, 60, 12


@pytest.fixture(scope="module")
def log() -> Log:
    rng = np.random.default_rng(4)
    track = (rng.zipf(1.3, N) % TRACKS).astype(np.int64)
    at_ms = np.cumsum(rng.integers(60_000, 3_600_000, N))
    return new_log(rng.integers(0, USERS, N), track, at_ms, session=rng.integers(0, 3, N))


def _in_blocks(name: str, log: Log, learn_until: int | None = None) -> I32:
    """Blocks of any size give the same lists."""
    task = Task(log, log.n if learn_until is None else learn_until, np.ones(log.n, np.bool_), 3)
    rival = RIVALS[name](task)
    cuts = [0, 1, 2, 500, 507, log.n]
    return np.concatenate([rival.lists(a, b) for a, b in zip(cuts, cuts[1:], strict=False)])


def _agree(lists: I32, score: list[dict[int, float]]) -> None:
    """The scores of the listed tracks are the largest ones; ties may stand in any order."""
    for row, wanted in enumerate(score):
        listed = lists[row][lists[row] >= 0].tolist()
        assert len(set(listed)) == len(listed)
        best = sorted(wanted.values(), reverse=True)[:LENGTH]
        np.testing.assert_allclose([wanted.get(t, 0.0) for t in listed[: len(best)]], best, rtol=1e-4, err_msg=f"row {row}")


def _chain(back: I32, row: int, n: int) -> list[int]:
    found: list[int] = []
    while len(found) < n and (row := int(back[row])) >= 0:
        found.append(row)
    return found


def _popularity(log: Log, halvings: F64) -> list[dict[int, float]]:
    weight: Score = defaultdict(float)
    found = []
    for row, track in enumerate(log.track.tolist()):
        found.append({t: w / 2.0 ** halvings[row] for t, w in weight.items()})
        weight[track] += 2.0 ** halvings[row]
    return found


@pytest.mark.parametrize("name", ["popularity", "decayed popularity"])
def test_popularity(log: Log, name: str) -> None:
    age = (log.at_ms - log.at_ms[0]) / (HALFLIFE_DAYS * DAY_MS)
    _agree(_in_blocks(name, log), _popularity(log, age if name.startswith("decayed") else np.zeros(log.n)))


def test_decayed_counts_are_brought_back_before_they_overflow(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    popular = tables.new_popular(3)
    for track, halvings in ((0, 0.0), (1, 1_500.0), (2, 1_500.5), (1, 1_501.0)):
        tables.count_play(popular, track, halvings)
    assert np.isfinite(popular.weight).all() and popular.top[:3].tolist() == [1, 2, 0]


def _markov(log: Log) -> list[dict[int, float]]:
    counts: defaultdict[int, Score] = defaultdict(lambda: defaultdict(float))
    found = []
    for row, track in enumerate(log.track.tolist()):
        last = _chain(log.session_back, row, 1)
        found.append(dict(counts[int(log.track[last[0]])]) if last else {})
        for source in last:
            counts[int(log.track[source])][track] += 1
    return found


def test_markov_follows_the_last_track_of_the_session(log: Log) -> None:
    _agree(_in_blocks("markov", log), _markov(log))


def _pairs(log: Log, back: I32, rule: tables.Rule) -> list[dict[int, float]]:
    weight: defaultdict[int, Score] = defaultdict(lambda: defaultdict(float))
    plays: Score = defaultdict(float)
    found = []
    for row, track in enumerate(log.track.tolist()):
        score: Score = defaultdict(float)
        for k, source in enumerate(_chain(back, row, rule.read_lags)):
            table = int(log.track[source])
            for t, w in weight[table].items():
                score[t] += rule.read_decay**k * w / plays[table] ** rule.from_power
        found.append({t: s / plays[t] ** rule.to_power for t, s in score.items()})
        plays[track] += 1
        for lag, source in enumerate(_chain(back, row, rule.learn_lags), 1):
            w = 1.0 / lag if rule.by_lag else 1.0
            weight[int(log.track[source])][track] += w
            if rule.symmetric and int(log.track[source]) != track:
                weight[track][int(log.track[source])] += w
    return found


def test_covisits_in_a_window(log: Log) -> None:
    _agree(_in_blocks("co-visits", log), _pairs(log, log.session_back, COVISITS))


def test_item_knn_within_sessions(log: Log) -> None:
    _agree(_in_blocks("item-knn", log), _pairs(log, log.session_back, ITEM_KNN))


@pytest.mark.parametrize("name", list(RIVALS))
def test_no_list_knows_what_comes(log: Log, name: str) -> None:
    half = log.n // 2
    changed = new_log(
        log.user.astype(np.int64),
        np.where(np.arange(log.n) < half, log.track, log.track[::-1]).astype(np.int64),
        log.at_ms,
        log.session.astype(np.int64),
    )
    assert (_in_blocks(name, log)[: half + 1] == _in_blocks(name, changed)[: half + 1]).all()


@pytest.mark.parametrize("name", list(RIVALS))
def test_what_is_frozen_learns_nothing(log: Log, name: str) -> None:
    lists = _in_blocks(name, log, learn_until=0)
    assert (lists == -1).all()


def test_factors_learn_who_likes_what_and_answer_a_sample() -> None:
    rng = np.random.default_rng(8)
    user = rng.integers(0, 10, 6_000)
    log = new_log(user, user % 2 * 50 + rng.integers(0, 50, 6_000), np.arange(6_000))
    late = np.arange(6_000) >= 4_000
    rival = RIVALS["biased mf"](Task(log, log.n, late, 1))
    lists = rival.lists(0, log.n)
    assert rival.answers is not None and rival.answers.sum() == SAMPLE and (rival.answers <= late).all()
    assert ((lists >= 0).all(axis=1) == rival.answers).all()
    taste = np.zeros(log.n_tracks, np.int64)
    taste[log.track] = user % 2
    assert (taste[lists[rival.answers]] == (user % 2)[rival.answers, None]).mean() > 0.7, "chance is one half"


@pytest.mark.parametrize("name", list(RIVALS))
def test_fresh_lists_hold_nothing_known_and_are_full_of_the_rest(log: Log, name: str) -> None:
    user = log.user.astype(np.int64)
    of_users = new_log(user, log.track.astype(np.int64), log.at_ms, session=user)
    rival = RIVALS[name](Task(of_users, log.n, np.ones(log.n, np.bool_), 3, fresh_only=True))
    lists = np.concatenate([rival.lists(0, 700), rival.lists(700, log.n)])
    for row in range(0, log.n, 37):
        if rival.answers is not None and not rival.answers[row]:
            continue
        met = set(log.track[:row].tolist())
        known = set(log.track[:row][log.user[:row] == log.user[row]].tolist())
        listed = set(lists[row][lists[row] >= 0].tolist())
        assert not listed & known and listed <= met
        assert len(listed) == min(LENGTH, len(met - known))
