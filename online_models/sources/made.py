"""What else is of the artist of the last track, and on its album: the more of it, the more it is played of all that is.

A row of an artist or an album says what plays named; a play that names none has no album, whatever an earlier one said of its track.
"""

from __future__ import annotations

import numpy as np

from online_models import history, neighbours, signals
from online_models.hashmap import find
from online_models.kernel import kernel
from online_models.moment import Known, Moment, Reach
from online_models.pool import Pool, meet
from online_models.track_state import ARTIST, TrackArrays

PRIOR = 5.0
"""Shrinks artists and albums with few plays."""


@kernel
def _artist(known: Known, moment: Moment) -> int:
    """Who made the last track: what the play in hand says, else what the track's row says; 0 = nobody said."""
    if moment.told[0] == moment.key[0] and moment.told[1] != 0:
        return moment.told[1]
    t = moment.slot[0]
    return known.tracks.head[t, ARTIST] if t >= 0 else 0


@kernel
def _add_row(pool: Pool, tracks: TrackArrays, of: int, n_read: int, signal: int) -> None:
    """The tracks that are played most in the row of `of`, 0 = nobody's."""
    row = tracks.neighbours
    s = find(tracks.map_keys, tracks.map_slots, of) if of != 0 else -1
    if s < 0:
        return
    share = np.float32(1.0) / (row.total[s, neighbours.WINDOW] + np.float32(PRIOR))
    for e in range(min(row.n[s], n_read)):
        i = meet(pool, row.dst[s, e])
        pool.via[i] |= 1
        pool.signal[signal, i] = row.counts[s, e, neighbours.WINDOW] * share


@kernel
def add(pool: Pool, known: Known, s: int, moment: Moment, reach: Reach) -> None:
    """The tracks of the artist, and those of the album, that are played most."""
    if moment.n[0] == 0:
        return
    if reach.made[0] > 0:
        _add_row(pool, known.tracks, _artist(known, moment), reach.made[0], signals.MADE)
    if reach.album[0] > 0:
        _add_row(pool, known.tracks, known.users.head[s, history.ALBUM], reach.album[0], signals.ALBUM)
