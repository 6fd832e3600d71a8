"""How far expected counts are from those that came."""

from __future__ import annotations

import numpy as np

from online_models.arrays import F64


def deviances(count: F64, expected: F64) -> F64:
    """Poisson deviance of each (k,): twice the log-likelihood that the truth itself would gain; `expected` > 0.

    >>> deviances(np.array([0.0, 1.0, 2.0]), np.array([0.5, 1.0, 1.0])).round(3).tolist()
    [1.0, 0.0, 0.773]
    """
    gain = np.where(count > 0.0, count * np.log(np.maximum(count, 1.0) / expected), 0.0)
    return 2.0 * (gain - (count - expected))
