"""The events of a round as columns, and their kinds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from online_models.arrays import I32, I64, U8, U32

PLAY, BLOCK, UNBLOCK, ERASE, LIKE, DISLIKE, UNDO, FORGET, PAUSE, RESUME, RADIO = range(11)
REJECTED_KIND = 255
"""Of what is no event: it has no user's row."""


class Events(NamedTuple):
    """The round's events, one place each."""

    slot: I32  # of the user's row
    kind: U8
    track: I64
    at_ms: I64
    event_hash: I64
    session: I64
    ms_played: I32
    duration_ms: I32
    ended: U8
    private: U8
    import_source: I64
    import_row: I64
    target: I64  # hash of the event that is undone or forgotten, 0 = none
    until_s: U32  # of a block
    artist: I64  # hash of who made the track, or of who is blocked; 0 = not said
    album: I64  # hash of the album that a play was of; 0 = not said
    user: I64 = np.zeros(0, np.int64)  # keyed hash of the user's id; read where `World.listening_below` is above 0
