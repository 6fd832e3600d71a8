"""Visits: per track, the last sessions that played it, and what each of them played next.

What session-based nearest neighbours ask for (Ludewig & Jannach 2018; Serenade, SIGMOD 2022), kept with the track and
bounded: a ring of visits, each with a tag of its session and the low 16 bits of the tracks that followed: they only vote for
candidates, of which some hundred are to be told apart.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from online_models.arrays import I32, U16, U32, zeros
from online_models.items import WINDOW
from online_models.kernel import kernel

SHORT = 0xFFFF
"""Bits of a hash that a visit keeps."""


class Visits(NamedTuple):
    """One ring per track's slot; the same slots as `track_state.TrackArrays`."""

    n: I32  # (n,) visits ever; the newest is at (n - 1) % length
    tag: U32  # (n, length) of the session
    after: U16  # (n, length, WINDOW) short hash of what came `lag` plays later, 0 = nothing yet


def new_visits(n_slots: int, length: int) -> Visits:
    """Empty rings."""
    return Visits(
        n=zeros(n_slots, np.int32),
        tag=zeros((n_slots, length), np.uint32),
        after=zeros((n_slots, length, WINDOW), np.uint16),
    )


@kernel
def reset(visits: Visits, s: int) -> None:
    """Make slot `s` a track that no session played."""
    visits.n[s] = 0


@kernel
def begin(visits: Visits, s: int, tag: int) -> None:
    """A session played the track in slot `s`."""
    v = visits.n[s] % visits.tag.shape[1]
    visits.n[s] += 1
    visits.tag[s, v] = tag
    visits.after[s, v, :] = 0


@kernel
def follow(visits: Visits, s: int, tag: int, lag: int, track: int) -> None:
    """The session's newest visit of slot `s` was followed by `track` after `lag` (1..) plays."""
    length = visits.tag.shape[1]
    n = visits.n[s]
    for back in range(min(n, length)):
        v = (n - 1 - back) % length
        if visits.tag[s, v] == tag:
            if visits.after[s, v, lag - 1] == 0:
                visits.after[s, v, lag - 1] = track & SHORT
            return
