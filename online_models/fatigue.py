"""What lists showed and the user passed over counts less for a while: a fading discount per track.

A play answers the list that was live before it. What stood among its first `SEEN` places, above the track that was played
(anywhere, where that was not listed), was passed over, the higher the more: by the attention that the place gets,
1 / log2(1 + place), the discount of DCG (Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques",
TOIS 20(4), 2002). So many times passed over (`level`), a track's chance is multiplied by (1 - strength) ** level, in `next` and
in `discover` by a strength each. Levels fade with each further play and with time, and playing a track clears its own.

It is in the learned part of the user's row: `PASSED` tracks, by the low half of their hashes; the least passed over gives way.
The ranker learns from all candidates of a ranking, not from what was listed, so it sees none of this.
"""

from __future__ import annotations

import numpy as np

from online_models import pool
from online_models.history import LAST_AT, N_OFFERED, N_PASSED, N_SHOWN, PASSED, PLAYS, SEEN, TAG, UserArrays
from online_models.kernel import kernel
from online_models.pool import Pool
from online_models.rank import Lists

KEPT = 0.9
"""What a further play leaves of a level: half is gone after seven."""
HALFLIFE_S = 24 * 3600
"""Time in which half of a level is gone."""
ONCE = 1024
"""A level of 1 as it is stored."""
LEAST = 32
"""Levels below this are forgotten."""
ATTENTION = (1.0 / np.log2(2.0 + np.arange(SEEN))).astype(np.float32)
"""(SEEN,) how far a place is looked at."""


@kernel
def _drop(users: UserArrays, s: int, k: int) -> None:
    """Forget entry `k`; the last takes its place."""
    last = users.head[s, N_PASSED] - 1
    users.passed_tag[s, k] = users.passed_tag[s, last]
    users.passed[s, k] = users.passed[s, last]
    users.head[s, N_PASSED] = last


@kernel
def _fade(users: UserArrays, s: int, idle_s: float) -> None:
    kept = KEPT * np.exp2(-idle_s / HALFLIFE_S)
    for k in range(users.head[s, N_PASSED] - 1, -1, -1):
        users.passed[s, k] = np.uint16(users.passed[s, k] * kept)
        if users.passed[s, k] < LEAST:
            _drop(users, s, k)


@kernel
def _pass(users: UserArrays, s: int, tag: int, place: int) -> None:
    """The track stood at `place` (0..) and was not played."""
    n, more = users.head[s, N_PASSED], np.int64(ATTENTION[place] * np.float32(ONCE))
    least = 0
    for k in range(n):
        if users.passed_tag[s, k] == tag:
            users.passed[s, k] = min(np.int64(users.passed[s, k]) + more, np.int64(0xFFFF))
            return
        if users.passed[s, k] < users.passed[s, least]:
            least = k
    if n < PASSED:
        users.head[s, N_PASSED] = n + 1
        least = n
    elif users.passed[s, least] >= more:
        return
    users.passed_tag[s, least] = tag
    users.passed[s, least] = more


@kernel
def show(users: UserArrays, s: int, lists: Lists, row: int) -> None:
    """The lists in the rows `row` (next) and `row + 1` (discover) are live from now on."""
    users.head[s, N_SHOWN] = lists.length[row]
    for j in range(lists.length[row]):
        users.shown[s, j] = lists.track[row, j]
    users.head[s, N_OFFERED] = min(lists.length[row + 1], SEEN)
    for j in range(users.head[s, N_OFFERED]):
        users.offered[s, j] = lists.track[row + 1, j] & TAG


@kernel
def note(users: UserArrays, s: int, track: int, at_ms: int, next_strength: float, discover_strength: float) -> None:
    """A play of `track` came, which the row has not learned yet: it answers the lists that were live, unless it is late."""
    if users.head[s, PLAYS] == 0 or at_ms < users.head[s, LAST_AT]:
        return
    _fade(users, s, (at_ms - users.head[s, LAST_AT]) * 1e-3)
    if discover_strength > 0.0:
        for j in range(users.head[s, N_OFFERED]):
            if users.offered[s, j] == track & TAG:
                break
            _pass(users, s, np.int64(users.offered[s, j]), j)
    if next_strength > 0.0:
        for j in range(min(users.head[s, N_SHOWN], SEEN)):
            if users.shown[s, j] == track:
                break
            _pass(users, s, users.shown[s, j] & TAG, j)
    clear(users, s, track)


@kernel
def clear(users: UserArrays, s: int, track: int) -> None:
    """Nothing was passed over of `track`."""
    for k in range(users.head[s, N_PASSED]):
        if users.passed_tag[s, k] == track & TAG:
            _drop(users, s, k)
            return


@kernel
def _left(level: int, strength: float) -> float:
    return np.float32((1.0 - strength) ** (level / ONCE))  # type: ignore[return-value]


@kernel
def discount(c: Pool, users: UserArrays, s: int, next_strength: float, discover_strength: float) -> None:
    """What was passed over is less likely in `next` (`c.chance`), and in `discover` (`c.fresh` of it)."""
    for k in range(users.head[s, N_PASSED]):
        i = pool.find_tag(c, np.int64(users.passed_tag[s, k]))
        if i >= 0:
            here = _left(users.passed[s, k], next_strength)
            c.chance[i] *= here
            c.fresh[i] = _left(users.passed[s, k], discover_strength) / here


@kernel
def kept(users: UserArrays, s: int, track: int, strength: float) -> float:
    """Part of its chance that `track` keeps."""
    for k in range(users.head[s, N_PASSED]):
        if users.passed_tag[s, k] == track & TAG:
            return _left(users.passed[s, k], strength)
    return 1.0
