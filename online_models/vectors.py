"""Track vectors: a random projection of whom a track is played near, so that two tracks which share company are alike.

Each neighbour adds its signs (+1 or -1 per dimension, the bits of its hash), the nearer the more, and less the more often
the two already met. So a vector is a sketch of the whole row of co-visits, also of those that the bounded row let go
(Achlioptas 2003), and a pure fold of what a play tells a track.
"""

from __future__ import annotations

import numpy as np

from online_models import history
from online_models.arrays import F32
from online_models.hashmap import find
from online_models.kernel import kernel
from online_models.logs import product
from online_models.moment import Known, Moment, session_length

DIMENSIONS = 64
"""Bits of a hash."""
KEPT = 0.8
"""The k-th last track counts 0.8 ** k in the session's direction."""
PAST = 16
"""Tracks of earlier sessions that make the user's direction."""

_SIGNS = (2.0 * np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little") - 1.0).astype(np.float32)
"""(256, 8) the signs of each byte's bits."""

LAST, SESSION, USER = range(3)
N_AIMS = 3


def new_vectors(n_slots: int) -> F32:
    """One vector per track's slot (n_slots, DIMENSIONS)."""
    return np.zeros((n_slots, DIMENSIONS), np.float32)


@kernel
def learn(vectors: F32, s: int, other: int, lag: int, met: np.float32) -> None:
    """`other` was played `lag` (1..) plays from the track in slot `s`; `met` is how strongly they were tied before."""
    weight = np.float32(1.0) / (np.float32(lag) * np.sqrt(np.float32(1.0) + np.float32(met)))
    for b in range(DIMENSIONS // 8):
        signs = _SIGNS[(other >> (8 * b)) & 255]
        for d in range(8):
            vectors[s, 8 * b + d] += weight * signs[d]


@kernel
def _unit(vector: F32) -> np.float32:
    """What brings `vector` to length 1."""
    return np.float32(1.0) / np.sqrt(np.float32(product(vector, vector, DIMENSIONS)) + np.float32(1e-6))


@kernel
def _add(aim: F32, vector: F32, weight: float) -> None:
    scale = np.float32(weight) * _unit(vector)
    for d in range(DIMENSIONS):
        aim[d] += scale * vector[d]


@kernel
def _finish(aim: F32) -> None:
    scale = _unit(aim)
    for d in range(DIMENSIONS):
        aim[d] *= scale


@kernel
def take_aim(aims: F32, known: Known, s: int, moment: Moment) -> None:
    """Write the unit directions (N_AIMS, DIMENSIONS) of the last track, the session, the user's earlier sessions; 0 = none."""
    users, tracks, vectors = known.users, known.tracks, known.vectors
    aims[:] = 0.0
    weight = 1.0
    for k in range(moment.n[0]):
        if moment.slot[k] >= 0:
            if k == 0:
                _add(aims[LAST], vectors[moment.slot[k]], 1.0)
            _add(aims[SESSION], vectors[moment.slot[k]], weight)
        weight *= KEPT
    newest = users.head[s, history.N_HISTORY] - 1 - session_length(users, s)
    for back in range(min(PAST, newest + 1)):
        t = find(tracks.map_keys, tracks.map_slots, users.track[s, newest - back])
        if t >= 0:
            _add(aims[USER], vectors[t], 1.0)
    for a in range(1, N_AIMS):
        _finish(aims[a])


@kernel
def cosines(aims: F32, vector: F32, out: F32, m: int) -> None:
    """`out[:N_AIMS, m]` = how near `vector` lies to each direction, -1..1; 0 where there is none."""
    scale = _unit(vector)
    for a in range(N_AIMS):
        out[a, m] = scale * np.float32(product(aims[a], vector, DIMENSIONS))
