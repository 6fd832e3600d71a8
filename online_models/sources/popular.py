"""What everybody plays these weeks; the only source for somebody new."""

from __future__ import annotations

import numpy as np

from online_models import signals
from online_models.arrays import F32, F64
from online_models.kernel import kernel
from online_models.moment import Known, Moment, Reach
from online_models.pool import Pool, meet

FEW = 80
"""Candidates of the other sources below which two lists could stay short."""


@kernel
def add(pool: Pool, known: Known, s: int, moment: Moment, reach: Reach) -> None:
    """The most popular tracks: some, or all that are known where others bring little."""
    n = known.popular.shape[0]
    for j in range(n if pool.n[0] < FEW else min(reach.popular[0], n)):
        pool.signal[signals.POPULAR, meet(pool, known.popular[j])] = known.popular_weight[j]


def popular_weights(score: F64) -> F32:
    """Decayed plays as shares of the most popular track's, from log2 scores, best first (n,)."""
    return (2.0 ** (score - score[0])).astype(np.float32) if len(score) else np.zeros(0, np.float32)
