"""Listeners: per track, who played it last, each person once and by a tag of 16 bits.

They tell whom two tracks share, however far apart in their lives people played the two: ties within a session's window know
nothing of that. A play tells its track and needs no tie to another, so no item is sent for it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from online_models.arrays import I32, U16, zeros
from online_models.kernel import kernel


class Listeners(NamedTuple):
    """One ring per track's slot; the same slots as `track_state.TrackArrays`."""

    n: I32  # (n,) people ever noted; the newest is at (n - 1) % length
    tag: U16  # (n, length)


def new_listeners(n_slots: int, length: int) -> Listeners:
    """Nobody."""
    return Listeners(n=zeros(n_slots, np.int32), tag=zeros((n_slots, length), np.uint16))


@kernel
def reset(listeners: Listeners, s: int) -> None:
    """Make slot `s` a track that nobody played."""
    listeners.n[s] = 0


@kernel
def learn(listeners: Listeners, s: int, tag: int) -> None:
    """Somebody played the track in slot `s`; whom the ring holds stays where they are."""
    length = listeners.tag.shape[1]
    for k in range(min(listeners.n[s], length)):
        if listeners.tag[s, k] == tag:
            return
    listeners.tag[s, listeners.n[s] % length] = tag
    listeners.n[s] += 1
