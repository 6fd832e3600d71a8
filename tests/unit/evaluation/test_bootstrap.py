"""An interval holds the true difference about as often as it says, and counts users rather than plays."""

from __future__ import annotations

import numpy as np

from evaluation.bootstrap import differences


def test_nothing_tested_is_no_difference() -> None:
    assert differences(*(np.zeros(0, np.int32),) * 3, seed=1) == {}


def test_pairs_cancel_what_both_find() -> None:
    rng = np.random.default_rng(1)
    theirs = rng.integers(0, 2, 5_000).astype(np.int32)
    low, mean, high = differences(theirs, theirs, np.arange(5_000, dtype=np.int32), seed=1)["hr20"]
    assert low == mean == high == 0.0


def test_an_interval_covers_the_truth_in_nineteen_of_twenty_worlds() -> None:
    covered = 0
    for world in range(100):
        rng = np.random.default_rng(world)
        user = np.repeat(np.arange(60, dtype=np.int32), 10)
        taste = np.repeat(rng.random(60), 10)  # true difference: .5, and a user's plays go together
        mine = (rng.random(600) < taste).astype(np.int32)
        low, _, high = differences(mine, np.zeros(600, np.int32), user, seed=world)["hr20"]
        covered += low <= 0.5 <= high
    assert 88 <= covered <= 99
