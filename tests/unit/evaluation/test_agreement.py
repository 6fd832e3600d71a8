"""Scores of agreement are River's, from tables; intervals hold what they should."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from river import metrics

from evaluation.agreement import ahead, mutual_information, rand, table

LABELS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=2, max_size=60)


@given(LABELS)
@settings(max_examples=60)
def test_scores_are_those_of_river(pairs: list[tuple[int, int]]) -> None:
    information, pairwise = metrics.AdjustedMutualInfo(), metrics.AdjustedRand()
    for a, b in pairs:
        information.update(a, b)
        pairwise.update(a, b)
    counts = table(*np.array(pairs, dtype=np.int64).T)
    if min(counts.shape) > 1:  # with a single class River says 1 or 0 by cases
        assert mutual_information(counts) == pytest.approx(information.get(), abs=1e-9)
        assert rand(counts) == pytest.approx(pairwise.get(), abs=1e-9)


def test_an_interval_of_a_real_difference_is_above_zero_and_of_none_holds_zero() -> None:
    rng = np.random.default_rng(1)
    target = rng.integers(4, size=2_000)

    def guess(right_share: float) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.where(rng.random(2_000) < right_share, target, rng.integers(4, size=2_000))

    better, worse, other = guess(0.7), guess(0.5), guess(0.5)
    low, mean, high = ahead(better, worse, target, seed=1)
    assert 0.1 < low < mean < high
    assert mean == pytest.approx(mutual_information(table(better, target)) - mutual_information(table(worse, target)), abs=1e-5)
    low, _, high = ahead(worse, other, target, seed=1)
    assert low < 0.0 < high
