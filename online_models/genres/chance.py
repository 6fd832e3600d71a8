"""Chance that is data: a state of one number, which a snapshot keeps, so that a restored model draws what the other would have."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from online_models.kernel import kernel

U64 = npt.NDArray[np.uint64]


@kernel
def draw(state: U64, n: int) -> Any:
    """A number in 0..n-1, and `state` (1,) moved on: splitmix64 (Steele, Lea and Flood, OOPSLA 2014).

    The upper half of the word, scaled: for n up to a million the skew is below 1 in 4,000.
    """
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return np.int64(((z >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32))
