"""The one way to compile a kernel: cached on disk, strict floating point."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from numba import njit

R = TypeVar("R")


def kernel(function: Callable[..., R]) -> Callable[..., R]:
    """Compile `function`. Never with `fastmath`: it drops the checks for numbers that are not finite."""
    # Arguments stay unchecked: numba takes numpy's scalars wherever int and float are written.
    compiled: Callable[..., R] = njit(cache=True)(function)
    return compiled
