"""The same plays by what they are: repeats, what is known of the user and of the track, how far the session is."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from evaluation.log import Log, before, count_before
from evaluation.tally import means
from online_models.arrays import I32

EARLIER: Final = (1, 2, 3, 5, 10, 20, 50, 200)
"""First of each class by the user's plays before this one."""
HEARD: Final = (0, 1, 2, 5, 10, 20, 50, 200)
"""First of each class by everybody's plays of the track before this one: 0 is its first exposure."""
POSITION: Final = (1, 2, 3, 5, 10, 20, 50)
"""First of each class by the session's plays before this one."""


def splits(log: Log, rank: I32, tested: npt.NDArray[np.bool_]) -> dict[str, dict[str, dict[str, Any]]]:
    """Split -> class -> plays tested, and every measure; classes without plays are left out."""
    classes = {
        "track": {"repeat": log.repeat == 1, "new to the user": log.repeat == 0},
        "user's plays before": _bands(log.earlier, EARLIER),
        "track's plays before": _bands(count_before(before(log.track)), HEARD),
        "session's plays before": _bands(log.position, POSITION),
    }
    return {
        split: {name: _class(rank, part & tested) for name, part in parts.items() if (part & tested).any()}
        for split, parts in classes.items()
    }


def _class(rank: I32, rows: npt.NDArray[np.bool_]) -> dict[str, Any]:
    return {"tested": int(rows.sum()), **means(rank[rows])}


def _bands(value: I32, starts: tuple[int, ...]) -> dict[str, npt.NDArray[np.bool_]]:
    """Rows per band.

    >>> {name: rows.tolist() for name, rows in _bands(np.array([1, 3, 9], np.int32), (1, 2, 5)).items()}
    {'1': [True, False, False], '2-4': [False, True, False], '5+': [False, False, True]}
    """
    ends = (*starts[1:], np.iinfo(np.int32).max)
    return {_band(a, b): (value >= a) & (value < b) for a, b in zip(starts, ends, strict=True)}


def _band(start: int, end: int) -> str:
    if end == np.iinfo(np.int32).max:
        return f"{start}+"
    return str(start) if end == start + 1 else f"{start}-{end - 1}"
