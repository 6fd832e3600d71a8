"""What was said of each tested track, and how good that was."""

from __future__ import annotations

from typing import Final

import numpy as np

from online_models.arrays import F32, F64, I64

LEAST: Final = 1e-6
"""A probability counts as this at least: one certain error costs 13.8 nats, not all there are."""
CONFIDENCE_BINS: Final = 15
"""Of equal width, as in Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks" (ICML 2017)."""


def hits(chances: F32, truth: I64) -> F64:
    """(k,) 1.0 where the likeliest genre of `chances` (k, genres) was the true one."""
    right: F64 = (chances.argmax(axis=1) == truth).astype(np.float64)
    return right


def log_loss(chances: F32, truth: I64) -> float:
    """Mean of -ln of the true genre's probability, in nats."""
    return float(-np.log(np.maximum(chances[np.arange(len(truth)), truth], LEAST)).mean())


def calibration_error(chances: F32, truth: I64) -> float:
    """Expected calibration error: mean distance between how sure of the likeliest genre one was and how often that was right.

    >>> sure = np.tile(np.array([0.9, 0.1], np.float32), (10, 1))
    >>> round(calibration_error(sure, np.array([0] * 6 + [1] * 4)), 3)
    0.3
    """
    confidence, right = chances.max(axis=1).astype(np.float64), hits(chances, truth)
    bins = np.minimum((confidence * CONFIDENCE_BINS).astype(np.int64), CONFIDENCE_BINS - 1)
    gaps = np.bincount(bins, confidence - right, CONFIDENCE_BINS)
    return float(np.abs(gaps).sum() / len(truth))


def measures(chances: F32, truth: I64) -> dict[str, float]:
    """All of them."""
    return {
        "accuracy": float(hits(chances, truth).mean()),
        "log_loss": log_loss(chances, truth),
        "calibration_error": calibration_error(chances, truth),
    }
