"""Gives memory that was freed back to the system when a process has nothing to do.

glibc keeps what was freed for the next round; after a busy hour that is 40 MB of a worker's 650 (docs/benchmarks.md).
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable


def _trim() -> Callable[[], object]:
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError, TypeError):  # another C library than glibc, another system
        return lambda: None
    return lambda: trim(0)


give_back = _trim()
"""Takes 1 to 4 ms: for quiet moments. Without glibc it does nothing."""


class Rest:
    """Tells when a process has come to rest: once, at the first look that finds nothing new since the look before.

    >>> rest = Rest()
    >>> [rest.begins(n) for n in (0, 5, 9, 9, 9, 12, 12)]
    [False, False, False, True, False, False, True]
    """

    def __init__(self) -> None:
        self._seen, self._worked = 0, False

    def begins(self, n_done: int) -> bool:
        """`n_done` rises whenever something was done."""
        rests = n_done == self._seen and self._worked
        self._seen, self._worked = n_done, n_done != self._seen
        return rests
