"""Who made a track, as a hash: its row says so where that is in memory, else what Redis said when the track's name was read."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from online_models.arrays import I32, I64
from online_models.hashmap import find
from online_models.kernel import kernel
from online_models.track_state import ARTIST, PLAYS, TrackArrays

NOT_SAID = 0
"""No play said who made it."""
NOT_ASKED = -1
"""The track's name came from an event or a list, and Redis was not asked who made it; no artist has this hash."""


class NameTable(NamedTuple):
    """Tracks that are known by name, found by their hash."""

    keys: I64
    slots: I32
    artist: I64  # (n,) by place in the table: hash, NOT_SAID or NOT_ASKED


def nobody_said(keys: I64, slots: I32) -> NameTable:
    """A table of names alone."""
    return NameTable(keys, slots, np.full(len(slots), NOT_SAID, np.int64))


@kernel
def artist_of(names: NameTable, tracks: TrackArrays, track: int) -> int:
    """Hash of who made `track`, NOT_SAID or NOT_ASKED.

    A row without plays is one that nobody wrote yet, and says nothing. Where every play of a track said who made it, whoever
    has the name from Redis has that, too: both are written together.
    """
    t = find(tracks.map_keys, tracks.map_slots, track)
    is_told = t >= 0 and tracks.head[t, PLAYS] > 0
    if is_told and tracks.head[t, ARTIST] != NOT_SAID:
        return tracks.head[t, ARTIST]
    n = find(names.keys, names.slots, track)
    if n < 0 or (is_told and names.artist[n] == NOT_ASKED):
        return NOT_SAID
    return names.artist[n]


@kernel
def note_missing(missing: I64, key: int) -> None:
    """The name of `key` is not in memory; `missing` ([0] = how many) is read between rounds."""
    if missing[0] + 1 < missing.shape[0]:
        missing[0] += 1
        missing[missing[0]] = key


@kernel
def known_artist(names: NameTable, tracks: TrackArrays, track: int, missing: I64) -> int:
    """Hash of who made `track`, NOT_SAID where nobody knows; who was not asked for yet will be."""
    artist = artist_of(names, tracks, track)
    if artist == NOT_ASKED:
        note_missing(missing, track)
        return NOT_SAID
    return artist
