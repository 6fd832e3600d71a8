"""Candidates are found again, and the best of them chosen as a plain sort would."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from online_models.pool import CANDIDATES_MAX, choose, clear, find_short, index, meet, new_pool
from online_models.visits import SHORT

STEP = 1.125
"""Scores this near to each other may lie in one step."""


def test_a_candidate_is_met_once_and_found_by_its_short_hash() -> None:
    pool, rng = new_pool(), np.random.default_rng(2)
    for _ in range(3):
        keys = [(int(high) << 16) + low for low, high in enumerate(rng.integers(1, 2**46, CANDIDATES_MAX), 1)]
        first = [meet(pool, key) for key in keys]
        pool.signal[:] = 1.0
        assert first == list(range(CANDIDATES_MAX)) == [meet(pool, key) for key in keys]
        assert [index(pool, key) for key in keys] == first
        assert index(pool, 1 << 60) == -1
        assert [find_short(pool, key & SHORT) for key in keys] == first
        assert find_short(pool, SHORT) == -1
        clear(pool)
        assert not pool.signal.any()
        assert not pool.place.any()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=120), st.integers(1, 40))
def test_the_chosen_are_the_best_up_to_one_step(scores: list[float], n_best: int) -> None:
    pool, chosen = new_pool(), np.full(40, -1, np.int32)
    for key, score in enumerate(scores, 1):
        pool.score[meet(pool, key)] = score
    n = choose(pool, n_best, chosen)
    assert n == min(n_best, len(scores))
    kept = chosen[:n].tolist()
    assert kept == sorted(set(kept))
    left_out = set(range(len(scores))) - set(kept)
    least = min(scores[i] for i in kept)
    assert all(scores[i] <= least * STEP + 1e-37 for i in left_out)
