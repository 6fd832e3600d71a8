"""Where the session and the user are going: directions in the space of the track vectors."""

from __future__ import annotations

import numpy as np

from online_models.arrays import F32
from online_models.items import WINDOW
from online_models.kernel import kernel
from online_models.lanes import product
from online_models.moment import RECENT, Known, Moment, looked_at
from online_models.vectors import DIMENSIONS, unit

KEPT = 0.8
"""The k-th last track counts 0.8 ** k in the session's direction."""
PAST = RECENT - WINDOW
"""Tracks before the session's last ones that make the user's direction."""

LAST, SESSION, USER = range(3)
N_AIMS = 3


@kernel
def _add(aim: F32, vector: F32, weight: float) -> None:
    scale = np.float32(weight) * unit(vector)
    for d in range(DIMENSIONS):
        aim[d] += scale * vector[d]


@kernel
def _finish(aim: F32) -> None:
    scale = unit(aim)
    for d in range(DIMENSIONS):
        aim[d] *= scale


@kernel
def take_aim(aims: F32, known: Known, s: int, moment: Moment) -> None:
    """Write the unit directions (N_AIMS, DIMENSIONS) of the last track, the session, what the user played before; 0 = none."""
    vectors = known.tracks.vectors
    aims[:] = 0.0
    weight = 1.0
    for k in range(moment.n[0]):
        if moment.slot[k] >= 0:
            if k == 0:
                _add(aims[LAST], vectors[moment.slot[k]], 1.0)
            _add(aims[SESSION], vectors[moment.slot[k]], weight)
        weight *= KEPT
    before = looked_at(known.users, s)
    for back in range(before, before + PAST):
        if moment.recent[back] >= 0:
            _add(aims[USER], vectors[moment.recent[back]], 1.0)
    for a in range(1, N_AIMS):
        _finish(aims[a])


@kernel
def cosines(aims: F32, vector: F32, out: F32, m: int) -> None:
    """`out[:N_AIMS, m]` = how near `vector` lies to each direction, -1..1; 0 where there is none."""
    scale = unit(vector)
    for a in range(N_AIMS):
        out[a, m] = scale * np.float32(product(aims[a], vector, DIMENSIONS))


@kernel
def nowhere(out: F32, m: int) -> None:
    """The same of a track without a vector."""
    for a in range(N_AIMS):
        out[a, m] = 0.0
