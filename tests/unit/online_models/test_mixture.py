"""Stage 1: a probability over all candidates that comes to trust the signals which foretell plays."""

from __future__ import annotations

import numpy as np
import pytest

from online_models import mixture, signals
from online_models.arrays import F32
from online_models.context import N_CONTEXTS
from online_models.mixture import new_gate
from online_models.pool import meet, new_pool
from online_models.rankings import new_rankings
from online_models.signals import N_SIGNALS

N = 8


def test_scores_are_a_probability_and_silent_signals_have_no_share() -> None:
    pool = new_pool()
    for key in range(1, 31):
        meet(pool, key)
    pool.signal[:, :30] = np.random.default_rng(8).random((N_SIGNALS, 30))
    pool.signal[signals.OWN_NEXT] = 0.0
    share, part = np.zeros((2, N_SIGNALS), np.float32)
    mixture.weigh(pool, new_gate(), np.ones(N_CONTEXTS, np.float32), share, part)
    assert pool.score[:30].sum() == pytest.approx(1.0, abs=1e-5)
    assert share.sum() == pytest.approx(1.0, abs=1e-5)
    assert share[signals.OWN_NEXT] == part[signals.OWN_NEXT] == 0.0


def test_nothing_said_means_nothing_scored() -> None:
    pool = new_pool()
    meet(pool, 1)
    share, part = np.zeros((2, N_SIGNALS), np.float32)
    mixture.weigh(pool, new_gate(), np.ones(N_CONTEXTS, np.float32), share, part)
    assert pool.score[0] == 0.0


def _shares(context: F32, rng_seed: int) -> F32:
    """After 500 plays of which WINDOW says most where context 1 is on, POPULAR where it is off."""
    rng, gate = np.random.default_rng(rng_seed), new_gate()
    for step in range(500):
        pool, rankings = new_pool(), new_rankings(1, N)
        for key in range(1, N + 1):
            meet(pool, key)
        pool.signal[[signals.WINDOW, signals.POPULAR], :N] = rng.random((2, N))
        now = np.zeros(N_CONTEXTS, np.float32)
        now[0], now[1] = 1.0, step % 2
        mixture.weigh(pool, gate, now, rankings.share[0], rankings.part[0])
        rankings.signal[0], rankings.context[0] = pool.signal[:, :N], now
        right = signals.WINDOW if step % 2 else signals.POPULAR
        mixture.learn(gate, rankings, 0, int(np.argmax(pool.signal[right, :N])))
    mixture.weigh(pool, gate, context, rankings.share[0], rankings.part[0])
    return np.array(rankings.share[0], np.float32)


def test_trust_goes_where_the_context_says() -> None:
    on, off = np.zeros((2, N_CONTEXTS), np.float32)
    on[:2], off[:1] = 1.0, 1.0
    with_it, without = _shares(on, 9), _shares(off, 9)
    assert with_it[signals.WINDOW] > 0.9
    assert with_it[signals.POPULAR] < 0.1 < 0.3 < without[signals.POPULAR], "it started at .02"
