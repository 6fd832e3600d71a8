"""Now and then a place of `discover` goes to a track that was not listed, with a chance that is told.

Each place explores with the chance `share`, decided by the event's hash and the place alone: a replay explores the same
places. What stands there gives way to one of the *free* candidates, drawn uniformly without replacement; nothing else
moves. Free is a candidate of this ranking with a chance above zero that stands in neither list and is none of the user's newest
plays; of one artist as many as the list may hold beside its best, those met first, so that whatever is drawn keeps to the cap.
What the user decided not to see has no chance (`marks.py`). A list explores only where there are at least as many as it has
places, so that every place could: then a track that was drawn from `m` stands at its place with the chance `share / m`, exactly.
What was drawn and cannot be shown (the user played it long ago, or its name is not in memory) leaves the place to the
best track, and that is told: it was not chosen as the best. To look at all candidates that closely would cost 5 us per list of
300 candidates; so it costs half of one.

Such logs say what other lists would have been worth: Li et al., "A contextual-bandit approach to personalized news article
recommendation", WWW 2010; `evaluation/policy.py`.
"""

from __future__ import annotations

import numpy as np

from online_models import history
from online_models.arrays import I64
from online_models.artists import NOT_SAID, NameTable, known_artist, note_missing
from online_models.hashmap import find
from online_models.history import UserArrays
from online_models.kernel import kernel
from online_models.pool import Pool
from online_models.rank import ARTISTS, Best, Cap, note_listed
from online_models.signals import TIMES
from online_models.track_state import TrackArrays

NOT_EXPLORING = 0
"""Instead of the number of free candidates."""
DRAWN, KEPT = 1, 2
"""What became of a place that explores: another track stands there, or the best all the same."""
WHETHER, WHAT = 0, 1
"""The two draws of a place."""


@kernel
def draw(event_hash: int, place: int, which: int) -> float:
    """A number of [0, 1) that the event, the place and the draw decide: SplitMix64 (Steele et al., OOPSLA 2014)."""
    x = np.uint64(event_hash) + np.uint64(0x9E3779B97F4A7C15) * np.uint64(2 * place + which + 1)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((x ^ (x >> np.uint64(31))) >> np.uint64(11)) * 2.0**-53


@kernel
def _find_free(c: Pool, best: Best) -> int:
    """Note the free candidates in `best.free`, in the order met; returns how many."""
    for k in range(best.n_listed[0]):
        best.stands[best.listed[k]] = 1
    m = 0
    for i in range(c.n[0]):
        best.free[m] = i
        m += (c.chance[i] > 0.0) & (best.stands[i] == 0) & (c.signal[TIMES, i] == 0.0)
    for k in range(best.n_listed[0]):
        best.stands[best.listed[k]] = 0
    return m


@kernel
def _meet(best: Best, artist: int) -> int:
    """One more track of `artist`; returns how many that makes."""
    p = artist & (ARTISTS - 1)
    while best.met[p] != 0 and best.met[p] != artist:
        p = (p + 1) & (ARTISTS - 1)
    best.met[p] = artist
    best.n_met[p] += best.n_met[p] < 255
    return best.n_met[p]


@kernel
def _keep_to_cap(c: Pool, names: NameTable, tracks: TrackArrays, most: int, best: Best, n: int, missing: I64) -> int:
    """Leave of the `n` free candidates as many of each artist as `discover` may hold beside its best; returns how many are left."""
    best.met[:] = 0
    best.n_met[:] = 0
    for j in range(best.n[1]):
        artist = best.artist[best.discover[j]]
        if artist != NOT_SAID:
            _meet(best, artist)
    m = 0
    for k in range(n):
        i = best.free[k]
        artist = known_artist(names, tracks, c.key[i], missing)
        best.free[m] = i
        m += artist == NOT_SAID or _meet(best, artist) <= most
    return m


@kernel
def _may_stand(c: Pool, users: UserArrays, s: int, i: int, best: Best, missing: I64) -> bool:
    """Can candidate `i` be shown in `discover`?"""
    if best.name[i] < 0:
        note_missing(missing, c.key[i])
        return False
    return not history.has_played(users, s, c.key[i])


@kernel
def _put(c: Pool, users: UserArrays, s: int, names: NameTable, event_hash: int, m: int, best: Best, missing: I64) -> None:
    """Fill the places that explore from the `m` free candidates."""
    n_drawn = 0
    for j in range(best.n[1]):
        if best.explored[j]:
            k = n_drawn + int(draw(event_hash, j, WHAT) * (m - n_drawn))
            i = best.free[k]
            best.free[k] = best.free[n_drawn]
            n_drawn += 1
            best.name[i] = find(names.keys, names.slots, c.key[i])
            if _may_stand(c, users, s, i, best, missing):
                best.discover[j] = i
                best.known[i] = 0
            else:
                best.explored[j] = KEPT
    note_listed(best)


@kernel
def explore(
    c: Pool,
    users: UserArrays,
    s: int,
    names: NameTable,
    tracks: TrackArrays,
    cap: Cap,
    event_hash: int,
    share: float,
    best: Best,
    missing: I64,
) -> None:
    """Let some places of `best.discover` explore; `best.explored` and `best.among` say which, and out of how many."""
    n = best.n[1]
    best.among[0] = NOT_EXPLORING
    best.explored[:] = 0
    if share <= 0.0 or n == 0:
        return
    m = _find_free(c, best)
    if cap.discover > 0:
        m = _keep_to_cap(c, names, tracks, cap.discover, best, m, missing)
    if m >= n:
        for j in range(n):
            best.explored[j] = draw(event_hash, j, WHETHER) < share
        best.among[0] = m
        _put(c, users, s, names, event_hash, m, best, missing)
