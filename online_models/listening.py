"""Which plays become listening lessons, and what is noted for one that no event says: `counts` and `segments` learn from them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from online_models import history, track_state
from online_models.arrays import F32, I32, I64, U8
from online_models.hashmap import find
from online_models.kernel import kernel
from online_models.moment import Known


class Listens(NamedTuple):
    """Listening lessons of a round, in the order of its events."""

    event: I32  # (n,) that each came from
    track: F32  # (n, 2) plays and finishes of the track by all, as far as its row says
    is_new: U8  # (n,) 1 = the user had not played the track before
    n: I64  # (1,)


def new_listens(n: int) -> Listens:
    """Room for those of `n` events."""
    return Listens(np.zeros(n, np.int32), np.zeros((n, 2), np.float32), np.zeros(n, np.uint8), np.zeros(1, np.int64))


@kernel
def is_sampled(user: int, below: float) -> bool:
    """Is the user with this keyed hash among those whose plays teach, which are a share `below` of all?"""
    return np.uint64(user) * 2.0**-64 < below  # type: ignore[return-value]


@kernel
def note(listens: Listens, event: int) -> int:
    """One more lesson, of which nothing is said yet; returns its place."""
    k = listens.n[0]
    listens.event[k] = event
    listens.n[0] = k + 1
    return k


@kernel
def note_play(listens: Listens, event: int, known: Known, s: int, track: int) -> None:
    """One more lesson, of a play that is not counted yet."""
    k, tracks = note(listens, event), known.tracks
    listens.is_new[k] = 0 if history.has_played(known.users, s, track) else 1
    t = find(tracks.map_keys, tracks.map_slots, track)
    if t >= 0:
        listens.track[k, 0] = tracks.head[t, track_state.PLAYS]
        listens.track[k, 1] = tracks.head[t, track_state.FINISHES]
