"""Vectors of two kinds and what is asked of them: cosines in stage 2, the nearest tracks as a source of candidates.

`projected` vectors are those that serve (`online_models/vectors.py`). `learned` ones are skip-gram's (Mikolov et al.,
"Distributed representations of words and phrases and their compositionality", NIPS 2013), one step per tie between two plays, and
negatives drawn from what was played lately, as RAISGD takes them (Anyosa, Vinagre and Jorge, "Incremental matrix co-factorization",
2018): one pass, nothing is seen twice. The source takes the place of `past`, which this log gives nothing, and speaks through its signals.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from benchmarks.vector_variants import AS_SERVED, NEAREST
from online_models import signals
from online_models.aims import take_aim
from online_models.arrays import F32, F64, I32, I64
from online_models.events import Events
from online_models.hashmap import find
from online_models.history import UserArrays
from online_models.items import SKIPPED
from online_models.kernel import kernel
from online_models.lanes import product
from online_models.micro_genres import MicroGenres
from online_models.moment import PAST_BIT, Moment, Reach, in_session
from online_models.plays import Outcomes, World, handle_one
from online_models.pool import Pool, meet
from online_models.rank import Best, Lists
from online_models.sources import past
from online_models.track_state import TrackArrays, learn_item
from online_models.two_stage import Ranker
from online_models.vectors import DIMENSIONS, unit
from online_models.weights import Weights

NEGATIVES = 5
RECENT = 20_000
"""Plays that negatives are drawn from."""
STEP = 0.05
LEAST_COSINE = 0.05
as_served = past.add


class Space(NamedTuple):
    """Vectors, and room for looking around in them."""

    kind: I64  # (3,) what stands in the place of `past`, how many nearest tracks it takes, 1 = vectors are learned
    near: F32  # (n, DIMENSIONS) of each track, in unit length where they are projected
    other: F32  # (n, DIMENSIONS) of skip-gram, for tracks as company
    key_of: I64  # (n,)
    aims: F32  # (N_AIMS, DIMENSIONS)
    best: F32  # (k,) cosines of the nearest, the largest first
    which: I32  # (k,) tracks
    step: F32  # (DIMENSIONS,)
    recent: I32  # (RECENT,) a ring of tracks
    n_recent: I64  # (1,)
    chance: I64  # (1,) state of the generator that draws negatives


class KnownToo(NamedTuple):
    """What `moment.Known` has, which kernels take it for, and the space."""

    users: UserArrays
    tracks: TrackArrays
    popular: I64
    popular_weight: F32
    genres: MicroGenres
    space: Space


@kernel
def nearest(space: Space, aim: F32, k: int) -> int:
    """The `k` tracks with the largest cosine to `aim`, exactly: all are looked at; fills `space.best`, returns how many."""
    n, bar = 0, np.float32(LEAST_COSINE)
    for t in range(space.near.shape[0]):
        cosine = np.float32(product(aim, space.near[t], DIMENSIONS))
        if space.kind[2] == 1:
            cosine *= unit(space.near[t])
        if cosine <= bar:
            continue
        j = n if n < k else k - 1
        n = j + 1
        while j > 0 and space.best[j - 1] < cosine:
            space.best[j] = space.best[j - 1]
            space.which[j] = space.which[j - 1]
            j -= 1
        space.best[j] = cosine
        space.which[j] = t
        if n == k:
            bar = space.best[k - 1]
    return n


@kernel
def add(pool: Pool, known: Any, s: int, moment: Moment, reach: Reach) -> None:
    """In the place of `past.add`; `known` is a `KnownToo`."""
    space = known.space
    if space.kind[0] == AS_SERVED:
        as_served(pool, known, s, moment, reach)
    elif space.kind[0] == NEAREST:
        take_aim(space.aims, known, s, moment)
        for j in range(nearest(space, space.aims[1], space.kind[1])):
            key = space.key_of[space.which[j]]
            if not in_session(moment, key):
                i = meet(pool, key)
                pool.via[i] |= 1 << PAST_BIT
                pool.signal[signals.PAST_WINDOW, i] = space.best[j] ** 4
                pool.signal[signals.PAST_NEAR, i] = np.float32(1.0) / np.float32(j + 1)


@kernel
def _drawn(space: Space) -> int:
    """A track of those played lately: a linear congruential generator's upper bits."""
    space.chance[0] = (space.chance[0] * 1_103_515_245 + 12_345) & 0x7FFFFFFF
    n = min(space.n_recent[0], space.recent.shape[0])
    return space.recent[(space.chance[0] >> 4) % n] if n > 0 else -1


@kernel
def learn_pair(space: Space, a: int, b: int, weight: float) -> None:
    """Track `b` was played near `a`, so strongly: one step of skip-gram, with NEGATIVES that were not."""
    mine = space.near[a]
    for k in range(NEGATIVES + 1):
        t = b if k == 0 else _drawn(space)
        if k > 0 and t in (-1, a, b):
            continue
        z = np.float32(product(mine, space.other[t], DIMENSIONS))
        likely = np.float32(1.0) / (np.float32(1.0) + np.exp(-z))
        g = np.float32(STEP * weight) * (np.float32(k == 0) - likely)
        for d in range(DIMENSIONS):
            space.step[d] += g * space.other[t, d]
            space.other[t, d] += g * mine[d]
    for d in range(DIMENSIONS):
        mine[d] += space.step[d]
        space.step[d] = 0.0


@kernel
def _learn(space: Space, tracks: TrackArrays, out: Outcomes, played: int) -> None:
    """What one play teaches the tracks' rows and the space."""
    for j in range(out.n_items[0]):
        item = out.items[j]
        t = find(tracks.map_keys, tracks.map_slots, item.src)
        learn_item(tracks, t, item)
        if space.kind[2] == 0:
            length = unit(tracks.vectors[t])
            for d in range(DIMENSIONS):
                space.near[t, d] = length * tracks.vectors[t, d]
        elif item.lag > 0 and item.dst != item.src and not item.flags & SKIPPED:
            learn_pair(space, t, find(tracks.map_keys, tracks.map_slots, item.dst), 1.0 / item.lag)
    space.recent[space.n_recent[0] % space.recent.shape[0]] = played
    space.n_recent[0] += 1


@kernel
def replay(
    known: Any,
    tracks: TrackArrays,
    events: Events,
    played: I32,
    a: int,
    b: int,
    world: World,
    ranker: Ranker,
    weights: Weights,
    best: Best,
    lists: Lists,
    out: Outcomes,
    missing: I64,
) -> None:
    """Plays `a` to `b` of the tracks `played`, as `micro_rank.replay`; `tracks` learn, those of `known`, a `KnownToo`, are read."""
    for i in range(a, b):
        out.n_items[0] = 0
        handle_one(known, events, i, world, ranker, weights, best, lists, 0, out, missing)
        _learn(known.space, tracks, out, played[i])


def new_space(key_of: I64, place: int, k: int, dimensions: int, n_aims: int) -> Space:
    """Of `dimensions` learned (0 = projected) vectors; the others stay 0."""
    n = len(key_of)
    near = np.zeros((n, DIMENSIONS), np.float32)
    if dimensions:
        drawn: F64 = np.random.default_rng(1).normal(0.0, 0.5 / np.sqrt(dimensions), (n, dimensions))
        near[:, :dimensions] = drawn
    return Space(
        kind=np.array([place, k, int(dimensions > 0)]),
        near=near,
        other=np.zeros((n, DIMENSIONS), np.float32),
        key_of=key_of,
        aims=np.zeros((n_aims, DIMENSIONS), np.float32),
        best=np.zeros(max(k, 1), np.float32),
        which=np.zeros(max(k, 1), np.int32),
        step=np.zeros(DIMENSIONS, np.float32),
        recent=np.zeros(RECENT, np.int32),
        n_recent=np.zeros(1, np.int64),
        chance=np.ones(1, np.int64),
    )
