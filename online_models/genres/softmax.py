"""Scores to probabilities."""

from __future__ import annotations

import numpy as np

from online_models.arrays import F64
from online_models.kernel import kernel


@kernel
def to_chances(p: F64, n: int) -> None:
    """Replace scores `p[:n]` by their softmax."""
    most = p[0]
    for c in range(1, n):
        most = max(most, p[c])
    everything = 0.0
    for c in range(n):
        p[c] = np.exp(p[c] - most)
        everything += p[c]
    for c in range(n):
        p[c] /= everything
