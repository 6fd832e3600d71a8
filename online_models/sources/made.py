"""What else the artist of the last track made: the more of it, the more it is played of all that they made."""

from __future__ import annotations

import numpy as np

from online_models import neighbours, signals
from online_models.hashmap import find
from online_models.kernel import kernel
from online_models.moment import Known, Moment, Reach
from online_models.pool import Pool, meet
from online_models.track_state import ARTIST

PRIOR = 5.0
"""Shrinks artists with few plays."""


@kernel
def _artist(known: Known, moment: Moment) -> int:
    """Who made the last track: what the play in hand says, else what the track's row says; 0 = nobody said."""
    if moment.told[0] == moment.key[0] and moment.told[1] != 0:
        return moment.told[1]
    t = moment.slot[0]
    return known.tracks.head[t, ARTIST] if t >= 0 else 0


@kernel
def add(pool: Pool, known: Known, s: int, moment: Moment, reach: Reach) -> None:
    """The tracks of the artist that are played most."""
    if reach.made[0] == 0 or moment.n[0] == 0:
        return
    tracks, row = known.tracks, known.tracks.neighbours
    artist = _artist(known, moment)
    a = find(tracks.map_keys, tracks.map_slots, artist) if artist != 0 else -1
    if a < 0:
        return
    share = np.float32(1.0) / (row.total[a, neighbours.WINDOW] + np.float32(PRIOR))
    for e in range(min(row.n[a], reach.made[0])):
        i = meet(pool, row.dst[a, e])
        pool.via[i] |= 1
        pool.signal[signals.MADE, i] = row.counts[a, e, neighbours.WINDOW] * share
