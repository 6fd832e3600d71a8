"""Logarithms, sums and maxima that run eight at a time, against numpy's."""

from __future__ import annotations

import numpy as np

from online_models.arrays import F32
from online_models.kernel import kernel
from online_models.lanes import largest, log_scaled, product, total


@kernel
def _logs(x: F32, out: F32, scale: float, norm: float) -> None:
    for i in range(x.shape[0]):
        out[i] = log_scaled(x[i], scale, norm)


def test_the_logarithm_is_near_and_never_falls() -> None:
    x = np.concatenate(([0.0], np.geomspace(1e-6, 1e6, 5_000))).astype(np.float32)
    out = np.empty_like(x)
    _logs(x, out, 100.0, 0.5)
    assert np.abs(out - 0.5 * np.log1p(100.0 * x.astype(np.float64))).max() < 0.5 * 0.001
    assert (np.diff(out) > -1e-4).all()


def test_sums_hold_for_any_length() -> None:
    rng = np.random.default_rng(1)
    for n in (0, 1, 7, 8, 9, 64, 67):
        x, y = rng.random((2, n), np.float32)
        assert abs(total(x, n) - x.sum(dtype=np.float64)) < 1e-4
        if n % 8 == 0:
            assert abs(product(x, y, n) - x.astype(np.float64) @ y) < 1e-4


def test_the_largest_is_found_in_every_place() -> None:
    rng = np.random.default_rng(2)
    for n in (1, 7, 8, 9, 16, 67):
        for place in range(n):
            x = rng.random(n + 3, np.float32)
            x[place], x[n:] = 2.0, 3.0
            assert largest(x, n) == 2.0
    assert largest(np.ones(8, np.float32), 0) == 0.0
