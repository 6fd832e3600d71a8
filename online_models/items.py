"""What a users' partition tells a tracks' partition: numbered items of 32 bytes, filled and read by kernels.

A *count item* (lag 0) says that `dst` was played; it carries the track's id beside it. A *transition
item* says that `dst` was played `lag` plays after `src` in one session.
"""

from __future__ import annotations

import numpy as np

ITEM = np.dtype(
    [
        ("src", "<i8"),
        ("dst", "<i8"),
        ("at_s", "<u4"),
        ("weight", "<i4"),
        ("lag", "u1"),
        ("flags", "u1"),
        ("name_len", "<u2"),
        ("duration_s", "<u4"),
    ]
)
"""32 bytes, little endian; hashes are 64-bit keyed hashes read as signed; `duration_s` 0 = unknown."""

SKIPPED, FINISHED = 1, 2
"""Bits of `flags`, in items and in a user's history."""

WINDOW = 10
"""Earlier plays of the session that a play is tied to. Windows of 10 and 20 measured equal on 30Music."""

LAG_UNIT = 2520
"""Weight at lag 1: divisible by 1..10, so that every weight `LAG_UNIT // lag` is an exact integer."""

FULL_WEIGHT = sum(LAG_UNIT // lag for lag in range(1, WINDOW + 1))
"""What one play hands out at most, over all lags."""
