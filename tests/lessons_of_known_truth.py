"""Lessons drawn from a known law, so that a test can say how good a model could possibly be."""

from __future__ import annotations

import math

import numpy as np

from online_models.arrays import F32, F64
from online_models.checks import Lesson
from online_models.finish_features import N_FEATURES, as_mapping, fill

HOUR_MS = 3_600_000


def draw(n: int, seed: int, *, bent: bool = False) -> tuple[F32, F64]:
    """(features (n, 12), true probability of a finish (n,)) of `n` plays by users and tracks of many kinds.

    `bent` = a law that no line can follow: tracks of middling length are heard out, but not late in a session.
    """
    rng = np.random.default_rng(seed)
    x = np.zeros((n, N_FEATURES), np.float32)
    p = np.zeros(n)
    patience, appeal = rng.normal(0.8, 0.8, 500), rng.normal(0.0, 0.8, 800)
    users, tracks = rng.integers(0, 500, n), rng.integers(0, 800, n)
    plays = rng.integers(0, 200, (n, 2))
    for i in range(n):
        known, position = float(rng.random() < 0.4), int(rng.geometric(0.12)) - 1
        duration_ms = 1000.0 * min(max(float(rng.normal(220, 60)), 30.0), 900.0)
        true_user, true_track = 1 / (1 + math.exp(-patience[users[i]])), 1 / (1 + math.exp(-appeal[tracks[i]]))
        user_finishes, track_finishes = rng.binomial(plays[i, 0], true_user), rng.binomial(plays[i, 1], true_track)
        user_skips = rng.binomial(plays[i, 0] - user_finishes, 0.6)
        track_skips = rng.binomial(plays[i, 1] - track_finishes, 0.6)
        at_ms = 1_700_000_000_000 + int(rng.integers(0, 24 * 30)) * HOUR_MS
        fill(x[i], plays[i, 0], user_skips, user_finishes, plays[i, 1], track_skips, track_finishes, known, position, duration_ms, at_ms)
        if bent:
            z = 2.0 if 170_000 < duration_ms < 260_000 and position < 12 else -2.0
        else:
            z = patience[users[i]] + appeal[tracks[i]] + 0.8 * known - 0.05 * position
        p[i] = 1 / (1 + math.exp(-z))
    return x, p


def lessons(n: int, seed: int, *, bent: bool = False, w: float = 1.0) -> list[Lesson]:
    """`n` lessons of that law."""
    x, p = draw(n, seed, bent=bent)
    y = np.random.default_rng(seed + 1).random(n) < p
    return [Lesson(as_mapping(x[i]), bool(y[i]), w) for i in range(n)]
