"""A play's place in the list that was live is all that the measures need."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.breadth import breadth, gini
from evaluation.log import new_log
from evaluation.splits import splits
from evaluation.tally import NONE, Tally, means
from online_models.rank import LENGTH


def _lists(*entries: list[int]) -> np.ndarray:
    return np.array([row + [NONE] * (LENGTH - len(row)) for row in entries], np.int32)


def test_ranks_and_what_was_listed() -> None:
    log = new_log(np.zeros(4, np.int64), np.array([10, 11, 12, 10]), np.arange(4))
    tally = Tally(log, np.array([False, True, True, True]))
    tally.take(np.array([1, 3]), _lists([0, 1], [2, 1, 0]))
    tally.take(np.array([0, 2]), _lists([0], []))
    assert tally.rank.tolist() == [1, 2, 0, 3]
    assert tally.listed.tolist() == [2, 2, 1], "the list before row 0 is not counted"


def test_means_over_nothing_are_told_apart_from_zero() -> None:
    assert means(np.zeros(0, np.int32))["hr20"] is None
    assert means(np.zeros(2, np.int32))["hr20"] == 0.0


def test_columns_of_a_log() -> None:
    user, track = np.array([3, 4, 3, 3, 4]), np.array([7, 7, 8, 7, 9])
    log = new_log(user, track, np.array([0, 1, 2, 3, 4]), session=np.array([1, 1, 1, 2, 1]), artist=np.array([5, -1, 6, 5, -1]))
    assert log.session_back.tolist() == [-1, -1, 0, -1, 1], "a session belongs to one user"
    assert log.user_back.tolist() == [-1, -1, 0, 2, 1]
    assert log.position.tolist() == [0, 0, 1, 0, 1]
    assert log.earlier.tolist() == [0, 0, 1, 2, 1]
    assert log.repeat.tolist() == [0, 0, 0, 1, 0]
    assert log.artist is not None and log.artist[0] != log.artist[1] and log.artist[2] == -1


def test_breadth_of_lists() -> None:
    log = new_log(np.zeros(4, np.int64), np.array([0, 1, 2, 0]), np.arange(4), artist=np.array([7, 7, 8, 7]))
    assert breadth(log, np.array([3, 0, 1])) == {
        "coverage": round(2 / 3, 5),
        "track_gini": round(gini(np.array([3, 0, 1])), 5),
        "novelty_bits": round((3 * 1 + 1 * 2) / 4, 3),
        "artist_gini": round(gini(np.array([3, 1])), 5),
    }
    assert breadth(log, np.zeros(3, np.int64)) == {}


def test_every_tested_play_is_in_one_class_of_each_split() -> None:
    rng = np.random.default_rng(0)
    log = new_log(rng.integers(0, 5, 400), rng.integers(0, 30, 400), np.arange(400), session=rng.integers(0, 4, 400))
    tested = log.session_back >= 0
    rank = rng.integers(0, 21, 400).astype(np.int32)
    for classes in splits(log, rank, tested).values():
        assert sum(found["tested"] for found in classes.values()) == tested.sum()
        hits = sum(found["tested"] * found["hr20"] for found in classes.values())
        assert hits == pytest.approx((rank[tested] > 0).sum(), abs=0.1)


def test_a_track_is_known_by_everybodys_plays_of_it() -> None:
    log = new_log(np.array([1, 2, 1, 3, 3]), np.array([7, 7, 8, 7, 9]), np.arange(5))
    classes = splits(log, np.array([0, 1, 0, 1, 1], np.int32), np.ones(5, bool))["track's plays before"]
    found = {name: (measures["tested"], measures["hr20"]) for name, measures in classes.items()}
    assert found == {"0": (3, 0.33333), "1": (1, 1.0), "2-4": (1, 1.0)}
