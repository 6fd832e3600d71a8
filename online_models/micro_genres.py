"""In which micro-genre, and so in which genre, the tracks are that are known by name.

What the models worker says of them, as somebody asked between rounds: lists depend on it, no state does.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from online_models.arrays import I32, I64
from online_models.artists import note_missing
from online_models.hashmap import find
from online_models.kernel import kernel

UNASKED, NOWHERE = -2, -1
"""Instead of a track's cluster: nobody asked for it yet; it is in none."""
OTHERWISE: Final = -3
"""`OTHERWISE - cluster` is what was said before clusters were served anew, and may be otherwise by now: good until somebody asks
again. So what was said to be nowhere is as if nobody had asked."""
NUMBERS_MAX: Final = 256
"""Micro-genres, and genres, that have a number: there are some 15."""


class MicroGenres(NamedTuple):
    """Where tracks belong."""

    keys: I64  # of the table of names
    slots: I32
    cluster: I32  # (n,) by place in the table of names: id, UNASKED or NOWHERE, or `OTHERWISE -` one of these
    micro: I32  # (ids,) by cluster id, those that are gone included: number of the micro-genre it leads to, -1 = none
    genre: I32  # (ids,) number of the genre in which that one nests, -1 = none


NO_MICRO_GENRES = MicroGenres(np.zeros(16, np.int64), np.zeros(16, np.int32), *[np.zeros(0, np.int32)] * 3)
"""Nothing is served."""


@kernel
def cluster_of(known: MicroGenres, track: int, missing: I64, most: int) -> int:
    """Id of the cluster that `track` is in, or -1; who was not asked for yet will be, where fewer than `most` are."""
    name = find(known.keys, known.slots, track)
    if name < 0:
        return NOWHERE
    cluster = known.cluster[name]
    if cluster <= UNASKED:
        if missing[0] < most:
            note_missing(missing, track)
        cluster = OTHERWISE - cluster
    return cluster if cluster < known.micro.shape[0] else NOWHERE
