"""This user's own past: what they played after these tracks before, and what they come back to (ACT-R)."""

from __future__ import annotations

import numpy as np

from online_models import history, signals
from online_models.arrays import I64
from online_models.history import UserArrays, session_length
from online_models.items import SKIPPED
from online_models.kernel import kernel
from online_models.moment import Known, Moment, Reach
from online_models.pool import Pool, meet

SESSION_GAP_S = history.SESSION_GAP_MS // 1000
OTHER_SESSION = 0.2
"""Part that a follower counts which opened the user's next session."""
SECOND_PART = 0.4
"""Part that the followers of the second and third last track count."""
OWN_WINDOW = 5
"""Plays after an earlier play of one of them that count, 1 / lag each."""
TIRED, OLDER = 0.3, 0.002
"""A second time adds less than the first, an older one less than a newer one."""
NEAR = 10
"""Plays before an earlier play of one of the last tracks, and after it, that were near it."""
NEAR_KEPT, BACK_KEPT = 0.9, 0.85
"""The one next to it counts 1, each further one 0.9 of the one before, all of them 0.85 ** k near the k-th last track."""


@kernel
def _add_again(pool: Pool, users: UserArrays, s: int, n: int, now_s: int) -> None:
    for back in range(n):
        j = n - 1 - back
        if users.flags[s, j] & SKIPPED:
            continue
        i = meet(pool, users.track[s, j])
        hours = np.float32(max(now_s - np.int64(users.at_s[s, j]), 0)) / np.float32(3600.0)
        pool.signal[signals.AGAIN, i] += np.float32(1.0) / np.sqrt(hours + np.float32(0.1))
        pool.signal[signals.TIMES, i] += np.float32(1.0)
        if pool.signal[signals.LAST, i] == 0.0:
            pool.signal[signals.LAST, i] = np.float32(1.0) / np.float32(back + 1)


@kernel
def _follow(pool: Pool, users: UserArrays, s: int, j: int, n: int, part: float, k: int) -> None:
    """What came after place `j` of the history, which is a play of the `k`-th last track."""
    for lag in range(1, min(OWN_WINDOW, n - 1 - j) + 1):
        if users.flags[s, j + lag] & SKIPPED:
            continue
        i = meet(pool, users.track[s, j + lag])
        pool.via[i] |= 1 << k
        pool.signal[signals.OWN_WINDOW, i] += np.float32(part / lag)


@kernel
def _add_follower(pool: Pool, users: UserArrays, s: int, j: int, back: int) -> None:
    """The play right after place `j`, which is `back` plays before the newest."""
    if users.flags[s, j + 1] & SKIPPED:
        return
    i = meet(pool, users.track[s, j + 1])
    if np.int64(users.at_s[s, j + 1]) - np.int64(users.at_s[s, j]) < SESSION_GAP_S:
        so_far = pool.signal[signals.OWN_NEXT, i]
        pool.signal[signals.OWN_NEXT, i] += np.float32(1.0) / (np.float32(1.0 + OLDER * back) + np.float32(TIRED) * so_far)
    else:
        pool.signal[signals.OWN_NEXT, i] += np.float32(OTHER_SESSION)


@kernel
def _add_next(pool: Pool, users: UserArrays, s: int, n: int, last: I64) -> None:
    for back in range(1, n):
        j = n - 1 - back
        track = users.track[s, j]
        if track == last[0]:
            _add_follower(pool, users, s, j, back)
            _follow(pool, users, s, j, n, 1.0, 0)
        elif track == last[1] or track == last[2]:
            _follow(pool, users, s, j, n, SECOND_PART, 1 if track == last[1] else 2)


@kernel
def _which(moment: Moment, key: int) -> int:
    """The place of `key` among the session's last tracks, or -1."""
    for k in range(moment.n[0]):
        if moment.key[k] == key:
            return k
    return -1


@kernel
def _add_side(pool: Pool, users: UserArrays, s: int, j: int, step: int, n: int, part: float, k: int) -> None:
    """What was played up to NEAR plays before (`step` -1) or after (1) place `j`, a play of the `k`-th last track, among the first `n`."""
    left = np.float32(part)
    at = j + step
    for _ in range(NEAR):
        if at < 0 or at >= n:
            return
        if not users.flags[s, at] & SKIPPED:
            i = meet(pool, users.track[s, at])
            pool.via[i] |= 1 << k
            pool.signal[signals.OWN_NEAR, i] += left
        left *= np.float32(NEAR_KEPT)
        at += step


@kernel
def _add_near(pool: Pool, users: UserArrays, s: int, n: int, moment: Moment) -> None:
    """Plays around earlier ones of the session's last tracks; the first `n` plays are of earlier sessions.

    A look at six bits of a hash says of most plays that they are of none of these tracks.
    """
    some = 0
    for k in range(moment.n[0]):
        some |= 1 << (moment.key[k] & 63)
    for j in range(n):
        key = users.track[s, j]
        if not (some >> (key & 63)) & 1:
            continue
        k = _which(moment, key)
        if k >= 0:
            part = np.float32(BACK_KEPT) ** np.float32(k)
            _add_side(pool, users, s, j, -1, n, part, k)
            _add_side(pool, users, s, j, 1, n, part, k)


@kernel
def add(pool: Pool, known: Known, s: int, moment: Moment, reach: Reach) -> None:
    """The user's history, as far as it is kept."""
    users = known.users
    n = users.head[s, history.N_HISTORY]
    _add_again(pool, users, s, n, moment.at_s[0])
    for k in range(moment.n[0], 3):
        moment.key[k] = 0
    _add_next(pool, users, s, n, moment.key)
    _add_near(pool, users, s, n - session_length(users, s), moment)
