"""Where the tracks of a list come from: small sources that add weighted candidates to one table.

A source says its number, its weight and the play that caused a candidate. Weights were chosen on the
first half of 30Music and are reported on the last fifth (benchmarks/).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from online_models import history
from online_models.arrays import F32, F64, I32, I64, U8
from online_models.covisits import ENTRIES, N_ENTRIES, N_HEAD, WEIGHT, TrackArrays
from online_models.hashmap import find
from online_models.history import UserArrays
from online_models.items import FULL_WEIGHT, SKIPPED, WINDOW
from online_models.kernel import kernel
from online_models.popularity import TOP
from online_models.prefetch import fetch

SOURCES = ("follows", "own", "again", "popular")
FOLLOWS, OWN, AGAIN, POPULAR = range(4)

FOLLOWS_DECAY = 0.7
"""Weight of the k-th last track's next-table: 0.7 ** k (facts/quality 6)."""
FOLLOWS_PRIOR = 0.5 * FULL_WEIGHT
"""Shrinks tables with little evidence, in units of weight."""
SKIPPED_SOURCE = 0.5
"""A skipped track says half as much about what comes next."""
FOLLOWS_READ = (64, 40, 24, 16, 12, 8, 6, 4, 4, 4)
"""Entries read from the k-th last track's table, strongest first: the far ones only need their best."""
OWN_WEIGHT = 0.35
OWN_DECAY = 0.6
"""Each older time counts this much of the newer one."""
AGAIN_WEIGHT = 0.06
POPULAR_WEIGHT = 0.002
POPULAR_READ = 30
"""Popular tracks added for somebody whom other sources know; all of them below `POPULAR_FEW` candidates."""
POPULAR_FEW = 80
SKIPPED_TARGET = 0.3
"""What this user skipped lately counts this much."""
REPEAT_AT_ONCE = 0.15
"""The track that just played: immediate repeats are .4 % of 30Music."""

TABLE = 1024
"""Places of the table in which a candidate is found by its hash: a power of two, half empty."""
CANDIDATES_MAX = 512
"""Candidates of one play: at most 182 from the next-tables, 100 of the user's own, 100 popular ones."""
assert sum(FOLLOWS_READ) + history.HISTORY + TOP <= CANDIDATES_MAX <= TABLE // 2

OWN_BIT, AGAIN_BIT, POPULAR_BIT = 1 << 10, 1 << 11, 1 << 12
"""Bits of `via`; bit k below them is the table of the k-th last track."""


class Scratch(NamedTuple):
    """The candidates of the play in hand, in the order in which they were met, and a table that finds them by hash.

    Small enough to stay in a core's first cache (14 KB) together with what else a play needs.
    """

    place: I32  # (TABLE,) open addressing by the track's hash: 1 + index of the candidate, 0 = none
    at: I32  # (CANDIDATES_MAX,) of each candidate in `place`
    key: I64
    score: F32
    via: I32  # bits of what contributed
    own: F32  # part of the score that came from this user's own past
    n: I32  # (1,) candidates
    # Of those that are ranked alone (`rank.py`):
    name: I32  # position in the table of names
    slot: I32  # of the track's row, -1 = not in memory
    known: U8  # 1 = this user played it before
    finish: F32  # chance of a finish, -1 = not predicted
    twin: I32  # its place in the list that was written first


def new_scratch() -> Scratch:
    """No candidates."""
    return Scratch(
        place=np.zeros(TABLE, np.int32),
        at=np.zeros(CANDIDATES_MAX, np.int32),
        key=np.zeros(CANDIDATES_MAX, np.int64),
        score=np.zeros(CANDIDATES_MAX, np.float32),
        via=np.zeros(CANDIDATES_MAX, np.int32),
        own=np.zeros(CANDIDATES_MAX, np.float32),
        n=np.zeros(1, np.int32),
        name=np.zeros(CANDIDATES_MAX, np.int32),
        slot=np.zeros(CANDIDATES_MAX, np.int32),
        known=np.zeros(CANDIDATES_MAX, np.uint8),
        finish=np.zeros(CANDIDATES_MAX, np.float32),
        twin=np.zeros(CANDIDATES_MAX, np.int32),
    )


@kernel
def clear(c: Scratch) -> None:
    """Forget the last play's candidates."""
    for i in range(c.n[0]):
        c.place[c.at[i]] = 0
    c.n[0] = 0


@kernel
def add(c: Scratch, track: int, weight: float, bit: int) -> int:
    """Add `weight` to `track`; returns its index."""
    p = track & (TABLE - 1)
    while c.place[p] != 0:
        i = c.place[p] - 1
        if c.key[i] == track:
            c.score[i] += weight
            c.via[i] |= bit
            return i
        p = (p + 1) & (TABLE - 1)
    i = c.n[0]
    c.n[0] = i + 1
    c.place[p] = i + 1
    c.at[i] = p
    c.key[i] = track
    c.score[i] = weight
    c.via[i] = bit
    c.own[i] = 0.0
    return i


@kernel
def expect_table(tracks: TrackArrays, track: int, k: int) -> None:
    """The next-table of `track` will be read soon, as the `k`-th last of a session."""
    t = find(tracks.map_keys, tracks.map_slots, track)
    if t >= 0:
        fetch(tracks.head, t * N_HEAD * 8, N_HEAD * 8)
        fetch(tracks.dst, t * ENTRIES * 8, FOLLOWS_READ[k] * 8)
        fetch(tracks.weight, t * ENTRIES * 4, FOLLOWS_READ[k] * 4)


@kernel
def add_follows(c: Scratch, users: UserArrays, s: int, tracks: TrackArrays) -> None:
    """What people play after the last tracks of this session."""
    n = users.head[s, history.N_HISTORY]
    depth = min(WINDOW, min(n, users.head[s, history.SESSION_N]))
    decay = np.float32(1.0)
    for k in range(depth):
        src = users.track[s, n - 1 - k]
        t = find(tracks.map_keys, tracks.map_slots, src)
        if t >= 0:
            w = np.float32(decay / (max(tracks.head[t, WEIGHT], 0) + FOLLOWS_PRIOR))
            if users.flags[s, n - 1 - k] & SKIPPED:
                w *= np.float32(SKIPPED_SOURCE)
            for e in range(min(tracks.head[t, N_ENTRIES], FOLLOWS_READ[k])):
                add(c, tracks.dst[t, e], w * np.float32(tracks.weight[t, e]), 1 << k)
        decay *= np.float32(FOLLOWS_DECAY)


@kernel
def add_own(c: Scratch, users: UserArrays, s: int) -> None:
    """What this user played after this track before, and what they came back to."""
    n = users.head[s, history.N_HISTORY]
    last = users.track[s, n - 1] if n > 0 else np.int64(0)
    weight = np.float32(OWN_WEIGHT)
    for i in range(n - 2, -1, -1):
        if users.flags[s, i] & SKIPPED:
            continue
        if users.track[s, i] == last and not users.flags[s, i + 1] & SKIPPED:
            c.own[add(c, users.track[s, i + 1], weight, OWN_BIT)] += weight
            weight *= np.float32(OWN_DECAY)
        again = np.float32(AGAIN_WEIGHT / (n - i))
        c.own[add(c, users.track[s, i], again, AGAIN_BIT)] += again


@kernel
def add_popular(c: Scratch, popular: I64, popular_weight: F32) -> None:
    """What everybody plays these weeks; the only source for somebody new."""
    n = popular.shape[0] if c.n[0] < POPULAR_FEW else min(popular.shape[0], POPULAR_READ)
    for i in range(n):
        add(c, popular[i], popular_weight[i], POPULAR_BIT)


@kernel
def source(c: Scratch, i: int) -> int:
    """Which source gave candidate `i` most of its score."""
    via = c.via[i]
    if c.own[i] * 2 > c.score[i]:
        return OWN if via & OWN_BIT else AGAIN
    return FOLLOWS if via & (OWN_BIT - 1) else POPULAR


@kernel
def _scale(c: Scratch, track: int, factor: float) -> None:
    p = track & (TABLE - 1)
    while c.place[p] != 0:
        i = c.place[p] - 1
        if c.key[i] == track:
            c.score[i] *= np.float32(factor)
            return
        p = (p + 1) & (TABLE - 1)


@kernel
def damp(c: Scratch, users: UserArrays, s: int) -> None:
    """Skips count against a track, and so does having just been played."""
    n = users.head[s, history.N_HISTORY]
    for i in range(n):
        if users.flags[s, i] & SKIPPED:
            _scale(c, users.track[s, i], SKIPPED_TARGET)
    if n > 0:
        _scale(c, users.track[s, n - 1], REPEAT_AT_ONCE)


@kernel
def gather(c: Scratch, users: UserArrays, s: int, tracks: TrackArrays, popular: I64, popular_weight: F32) -> None:
    """All candidates for the user in slot `s`."""
    clear(c)
    add_follows(c, users, s, tracks)
    add_own(c, users, s)
    add_popular(c, popular, popular_weight)
    damp(c, users, s)


def popular_weights(score: F64) -> F32:
    """Weights of the popular tracks from their log2 scores, best first (n,)."""
    if len(score) == 0:
        return np.zeros(0, np.float32)
    return (POPULAR_WEIGHT * 2.0 ** (score - score[0])).astype(np.float32)
