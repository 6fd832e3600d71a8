"""How a user's tracks are ranked by expected plays: nDCG@10 as a plain reading has it, and whose order is better."""

from __future__ import annotations

from itertools import pairwise, permutations

import numpy as np
import pytest

from evaluation.count_rivals import ORDERS, Asked, asked
from evaluation.log import new_log
from evaluation.repeat_order import CUT, compared, ndcg

DAY_MS = 86_400_000


def gained(plays: list[float]) -> float:
    return float(sum(n / np.log2(place + 2) for place, n in enumerate(plays[:CUT])))


def plainly(score: list[float], plays: list[float]) -> float:
    """The mean over all orders that put no lower score before a higher one."""
    orders = [order for order in permutations(range(len(score))) if all(score[a] >= score[b] for a, b in pairwise(order))]
    return float(np.mean([gained([plays[i] for i in order]) for order in orders])) / gained(sorted(plays, reverse=True))


@pytest.mark.parametrize("seed", range(20))
def test_it_is_the_mean_over_all_orders_of_what_is_expected_alike(seed: int) -> None:
    rng = np.random.default_rng(seed)
    score, plays = rng.integers(0, 3, 6).astype(float), rng.poisson(0.7, 6).astype(float)
    plays[0] += 1
    found = ndcg(np.tile(score, 2), np.concatenate([plays, np.zeros(6)]), np.repeat([4, 8], 6))
    assert found[0] == pytest.approx(plainly(score.tolist(), plays.tolist()))
    assert np.isnan(found[1]), "where nothing was played no order is right"


def test_only_ten_places_count() -> None:
    plays = np.zeros(12)
    plays[-2:] = 1.0
    score = np.arange(12, 0, -1).astype(float)
    assert ndcg(score, plays, np.zeros(12, np.int64))[0] == 0.0
    assert ndcg(-score, plays, np.zeros(12, np.int64))[0] == 1.0


def moments(n: int, seed: int) -> tuple[Asked, np.ndarray]:
    """At each of `n` moments a user's five tracks, and how often each was played then."""
    rng = np.random.default_rng(seed)
    row = np.repeat(np.arange(n), 5)
    rate = rng.gamma(0.5, 1.0, len(row))
    plays = rng.poisson(rate).astype(float)
    user = np.repeat(rng.integers(0, 30, n), 5).astype(np.int32)
    return asked(user, np.tile(np.arange(5), n).astype(np.int32), row * DAY_MS, row, plays, 7 * DAY_MS), rate


def test_who_knows_the_rates_ranks_better_than_who_guesses() -> None:
    questions, rate = moments(400, 1)
    guess = np.random.default_rng(2).random(len(rate))
    found = compared(questions, rate, {"guess": guess, "nothing": np.ones(len(rate))}, len(rate) // 2, 1)
    judged = questions.plays.reshape(-1, 5)[200:].sum(axis=1) > 0
    assert found["moments"] == judged.sum() < 200
    low, mean, high = found["ahead_of_best"]
    best = found["rivals"][found["best_rival"]]["ndcg10"]
    assert 0.0 < low < mean < high and mean == pytest.approx(found["ndcg10"] - best, abs=2e-5)
    assert found["ndcg10"] == pytest.approx(np.nanmean(ndcg(rate[1000:], questions.plays[1000:], questions.row[1000:])), abs=1e-5)
    turned = compared(questions, guess, {"rates": rate}, len(rate) // 2, 1)
    assert turned["ahead_of_best"][2] < 0.0


def test_there_is_no_order_to_judge_where_nothing_came() -> None:
    questions, rate = moments(20, 1)
    assert compared(questions._replace(plays=np.zeros(len(rate))), rate, {}, 50, 1) == {}


def test_what_was_played_last_and_most_is_read_from_the_log_up_to_the_moment() -> None:
    log = new_log(np.zeros(6, np.int64), np.array([7, 8, 8, 9, 7, 8]), np.arange(6) * DAY_MS)
    tracks = log.track[[0, 1, 3]]
    row = np.full(3, 3)
    questions = asked(np.zeros(3, np.int32), tracks, log.at_ms[row], row, np.zeros(3), 7 * DAY_MS)
    last, most = (order(questions, log) for order in ORDERS.values())
    assert last.tolist() == [0.0, 2.0, 3.0]
    assert np.argsort(-most).tolist() == [1, 2, 0]
