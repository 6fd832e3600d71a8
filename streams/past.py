"""A user's past, read from the binary row without the kernels: for commands, which start fast.

The layout is that of `streams/user_rows.py`; a test writes rows there and reads them here.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

import numpy as np

from online_models.past import Past
from streams.decisions import VERSIONS

_HEAD: Final = Struct("<B3xI16q")


def past_of(row: bytes) -> Past | None:
    """Read a row; None when it is of another version, torn, or none."""
    if len(row) < _HEAD.size or row[0] not in VERSIONS:
        return None
    _, _, plays, _, finishes, first_ms, _, _, _, sessions, n, _, _, _, distinct, _, _, _ = _HEAD.unpack_from(row)
    at = _HEAD.size
    if len(row) < at + 17 * n:
        return None
    return Past(
        track=np.frombuffer(row, "<i8", n, at),
        at_ms=np.frombuffer(row, "<u4", n, at + 8 * n).astype(np.int64) * 1_000,
        flags=np.frombuffer(row, np.uint8, n, at + 16 * n),
        plays=plays,
        finishes=finishes,
        distinct=distinct,
        first_ms=first_ms,
        sessions=sessions,
    )
