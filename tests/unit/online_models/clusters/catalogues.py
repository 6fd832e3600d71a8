"""Small catalogues of known truth: tracks of styles that differ in sound, artists and words."""

from __future__ import annotations

import numpy as np

from online_models.arrays import I64
from online_models.clusters.track import N_NUMBERS, Track


def styles(n: int, k: int, seed: int, *, apart: float = 6.0) -> tuple[list[Track], I64]:
    """`n` tracks of `k` styles whose sounds lie `apart` deviations from each other on average, and the style of each."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(0.0, apart / np.sqrt(2 * N_NUMBERS), (k, N_NUMBERS)) * 3.0
    style = rng.integers(k, size=n)
    numbers = 5.0 + 2.0 * (centres[style] + rng.normal(size=(n, N_NUMBERS)))
    return [
        Track(row, (f"artist {s}-{rng.integers(9)}",), f"album {s}", (f"word{s}", "love"), (f"genre{s % 3}",))
        for row, s in zip(numbers, style.tolist(), strict=True)
    ], style
