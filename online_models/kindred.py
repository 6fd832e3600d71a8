"""How far a track's listeners are those of the user's newest tracks: item-to-item cosine over people, summed over those tracks.

    kindred(track) = sum_k KEPT ** k * |listeners(track) & listeners(k-th newest)| / sqrt(plays(track) * plays(k-th newest))

The newest tracks are those of the user's history, whatever their session: tastes go on where a window over plays ends (Sarwar et al.
2001). First each of their listeners gets a weight, in a table by the low bits of their tags; then each candidate adds up the weights of its
own listeners. Weights are whole numbers, so that sums do not depend on an order.
"""

from __future__ import annotations

import numpy as np

from online_models import track_state
from online_models.arrays import U16
from online_models.kernel import kernel
from online_models.moment import RECENT, Known, Moment, session_person
from online_models.track_state import TrackArrays

DEPTH = 20
"""Newest plays whose listeners are asked."""
assert DEPTH <= RECENT
KEPT = 0.95
"""Each play further back counts this much (facts: what did best on MovieLens)."""
ONE = 2048.0
"""Weight, as a whole number, of a listener of a track without plays: DEPTH times as much over sqrt(2) is below 2 ** 16."""
PLACES_EACH = 128
"""Places of the table for each listener that a track's row holds: of those of DEPTH tracks one in seven shares a place with another."""


@kernel
def gather(weight: U16, known: Known, s: int, moment: Moment) -> int:
    """Fill `weight` (a power of two of places) for the user in slot `s`, themselves left out; returns the sum."""
    users, tracks, listeners, low = known.users, known.tracks, known.tracks.listeners, weight.shape[0] - 1
    weight[:] = 0
    everybody, kept = 0, 1.0
    for back in range(DEPTH):
        t = moment.recent[back]
        if t >= 0:
            each = np.int64(ONE * kept / np.sqrt(tracks.head[t, track_state.PLAYS] + 1.0))
            held = min(listeners.n[t], listeners.tag.shape[1])
            for k in range(held):
                weight[listeners.tag[t, k] & low] += each
            everybody += each * held
        kept *= KEPT
    own = session_person(users, s) & low
    everybody -= weight[own]
    weight[own] = 0
    return everybody


@kernel
def share(weight: U16, everybody: int, tracks: TrackArrays, t: int) -> float:
    """What `gather`'s table says of the track in slot `t`, 0 or more.

    Who only shares a place of the table with somebody adds `everybody` / places in the mean, which is taken off.
    """
    listeners, low = tracks.listeners, weight.shape[0] - 1
    held, found = min(listeners.n[t], listeners.tag.shape[1]), 0
    for k in range(held):
        found += weight[listeners.tag[t, k] & low]
    beyond = np.float32(found) - np.float32(held * everybody) / np.float32(weight.shape[0])
    return max(beyond, np.float32(0.0)) / (np.float32(ONE) * np.sqrt(np.float32(tracks.head[t, track_state.PLAYS]) + np.float32(1.0)))
