"""Vectors of tracks: those with the same company lie near each other, whatever their ids; a direction has length 1."""

from __future__ import annotations

import numpy as np
import pytest

from online_models import aims as going
from online_models.aims import N_AIMS, cosines
from online_models.arrays import F32
from online_models.vectors import DIMENSIONS, learn, new_vectors

N_TRACKS, N_CIRCLES = 60, 6


def learned(seed: int) -> F32:
    """Track t is played with tracks of circle t % N_CIRCLES alone, and never with half of that circle."""
    rng = np.random.default_rng(seed)
    keys, rows = rng.integers(1, 2**63 - 1, N_TRACKS).tolist(), new_vectors(N_TRACKS)
    for _ in range(4_000):
        a, b = rng.integers(0, N_TRACKS // N_CIRCLES, 2) * N_CIRCLES + rng.integers(0, N_CIRCLES)
        if (a // N_CIRCLES + b // N_CIRCLES) % 2:
            learn(rows, int(a), keys[b], 1, np.float32(1.0))
    return rows


def test_shared_company_makes_tracks_alike_that_never_met() -> None:
    rows, out = learned(1), np.zeros((N_AIMS, N_TRACKS), np.float32)
    aims = np.zeros((N_AIMS, DIMENSIONS), np.float32)
    aims[going.LAST] = rows[0] / np.linalg.norm(rows[0])
    for t in range(N_TRACKS):
        cosines(aims, rows[t], out, t)
    want = rows @ rows[0] / np.linalg.norm(rows, axis=1) / np.linalg.norm(rows[0])
    assert out[going.LAST] == pytest.approx(want, abs=1e-4)
    assert not out[[going.SESSION, going.USER]].any()
    never_met = [t for t in range(0, N_TRACKS, 2 * N_CIRCLES) if t]
    strangers = [t for t in range(N_TRACKS) if t % N_CIRCLES]
    assert out[going.LAST, never_met].min() > 0.7
    assert np.abs(out[going.LAST, strangers]).mean() < 0.3


def test_the_near_count_more_and_the_familiar_less() -> None:
    rows = new_vectors(3)
    learn(rows, 0, 0b101, 1, np.float32(0.0))
    learn(rows, 1, 0b101, 2, np.float32(0.0))
    learn(rows, 2, 0b101, 1, np.float32(3.0))
    assert rows[0, :4].tolist() == [1.0, -1.0, 1.0, -1.0]
    assert rows[1, :4].tolist() == rows[2, :4].tolist() == [0.5, -0.5, 0.5, -0.5]
