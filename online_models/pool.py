"""The candidates of one ranking: found by hash, with one row per signal.

Signals lie signal by signal, so that what is done to all candidates at once is done eight at a time.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from online_models.arrays import F32, I32, I64, zeros
from online_models.kernel import kernel
from online_models.signals import N_SIGNALS
from online_models.visits import SHORT

TABLE = 4096
"""Places of the table that finds a candidate: a power of two, at least twice the candidates, at most one bit of `visits.SHORT` each."""
CANDIDATES_MAX = 720
"""Candidates of one ranking. An odd number of cache lines: rows a power of two apart would share the same few places of a
core's first cache."""
BUCKETS = 1024
"""Steps of a score's logarithm, eight to a factor of two: scores are chances, and what is below two has a step."""
_BUCKET_SHIFT = 20
_INDEX, _SHORT_SHIFT = 0xFFFF, 16
"""An entry of the table: 1 + index of the candidate, and the last bits of its hash, so that who only knows those need not look further."""


class Pool(NamedTuple):
    """Candidates in the order in which they were met."""

    place: I32  # (TABLE,) open addressing by the track's hash: 1 + index of the candidate | its `SHORT` << 16, 0 = none
    at: I32  # (CANDIDATES_MAX,) of each candidate in `place`
    key: I64  # (CANDIDATES_MAX,)
    via: I32  # (CANDIDATES_MAX,) bits of the plays that brought it (`moment.py`)
    signal: F32  # (N_SIGNALS, CANDIDATES_MAX)
    score: F32  # (CANDIDATES_MAX,) of stage 1
    bits: I32  # (CANDIDATES_MAX,) the same memory: as whole numbers, scores >= 0 keep their order
    chance: F32  # (CANDIDATES_MAX,) what `next` is sorted by
    fresh: F32  # (CANDIDATES_MAX,) `discover` is sorted by so much of it (`fatigue.py`)
    n: I32  # (1,)
    bucket: I32  # (BUCKETS,) how many scores lie in each step


def new_pool() -> Pool:
    """No candidates."""
    score = zeros(CANDIDATES_MAX, np.float32)
    return Pool(
        place=zeros(TABLE, np.int32),
        at=zeros(CANDIDATES_MAX, np.int32),
        key=zeros(CANDIDATES_MAX, np.int64),
        via=zeros(CANDIDATES_MAX, np.int32),
        signal=zeros((N_SIGNALS, CANDIDATES_MAX), np.float32),
        score=score,
        bits=score.view(np.int32),
        chance=zeros(CANDIDATES_MAX, np.float32),
        fresh=np.ones(CANDIDATES_MAX, np.float32),
        n=zeros(1, np.int32),
        bucket=zeros(BUCKETS, np.int32),
    )


@kernel
def clear(pool: Pool) -> None:
    """Forget all candidates."""
    n = pool.n[0]
    for i in range(n):
        pool.place[pool.at[i]] = 0
    for k in range(N_SIGNALS):
        for i in range(n):
            pool.signal[k, i] = 0.0
    pool.n[0] = 0


@kernel
def meet(pool: Pool, key: int) -> int:
    """Index of the candidate `key`, which joins if it is new; sources together stay below CANDIDATES_MAX."""
    p = key & (TABLE - 1)
    while pool.place[p] != 0:
        i = (pool.place[p] & _INDEX) - 1
        if pool.key[i] == key:
            return i
        p = (p + 1) & (TABLE - 1)
    i = pool.n[0]
    pool.n[0] = i + 1
    pool.place[p] = (key & SHORT) << _SHORT_SHIFT | (i + 1)
    pool.at[i] = p
    pool.key[i] = key
    pool.via[i] = 0
    pool.fresh[i] = 1.0
    return i


@kernel
def index(pool: Pool, key: int) -> int:
    """Index of the candidate `key`, or -1."""
    p = key & (TABLE - 1)
    while pool.place[p] != 0:
        i = (pool.place[p] & _INDEX) - 1
        if pool.key[i] == key:
            return i
        p = (p + 1) & (TABLE - 1)
    return -1


@kernel
def find_tag(pool: Pool, tag: int) -> int:
    """Index of the candidate whose hash ends in the 32 bits `tag`, or -1."""
    p = tag & (TABLE - 1)
    while pool.place[p] != 0:
        i = (pool.place[p] & _INDEX) - 1
        if pool.key[i] & 0xFFFFFFFF == tag:
            return i
        p = (p + 1) & (TABLE - 1)
    return -1


@kernel
def find_short(pool: Pool, short: int) -> int:
    """Index of the candidate whose hash ends in the bits `short`, or -1. One of 300 has another's in every second ranking or so."""
    p = short & (TABLE - 1)
    entry = pool.place[p]
    while (entry != 0) & ((entry >> _SHORT_SHIFT) & SHORT != short):  # not `and`: whether it is there, nobody can guess
        p = (p + 1) & (TABLE - 1)
        entry = pool.place[p]
    return (entry & _INDEX) - 1


@kernel
def bar(pool: Pool, n_best: int) -> int:
    """The step of the score that the best `n_best` candidates reach; fewer than that many lie above it."""
    pool.bucket[:] = 0
    for i in range(pool.n[0]):
        pool.bucket[pool.bits[i] >> _BUCKET_SHIFT] += 1
    n = 0
    for b in range(BUCKETS - 1, -1, -1):
        n += pool.bucket[b]
        if n >= n_best:
            return b
    return 0


@kernel
def choose(pool: Pool, n_best: int, chosen: I32) -> int:
    """Fill `chosen` (n_best,) with the best candidates by `score` >= 0, in the order met; returns how many.

    Within the last step, a ninth of the score, the order met decides: stage 2 sorts them out.
    """
    step = bar(pool, n_best)
    above = 0
    for i in range(pool.n[0]):
        above += pool.bits[i] >> _BUCKET_SHIFT > step
    left = n_best - above
    n = 0
    for i in range(pool.n[0]):
        b = pool.bits[i] >> _BUCKET_SHIFT
        if b > step or (b == step and left > 0):
            left -= b == step
            chosen[n] = i
            n += 1
    return n
