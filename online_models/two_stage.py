"""The learned ranker: sources, stage 1, stage 2. One ranking, and the lesson when the play comes that it foretold."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from online_models import bilinear, context, covisits, features, history, mixture, neighbours, signals, vectors
from online_models import pool as pools
from online_models import rankings as kept
from online_models.arrays import F32, I32, I64
from online_models.bilinear import Bilinear, Work
from online_models.covisits import POPULAR_HALFLIFE_S
from online_models.hashmap import find
from online_models.history import UserArrays
from online_models.kernel import kernel
from online_models.mixture import Gate
from online_models.moment import Known, Moment, Reach, look
from online_models.pool import Pool
from online_models.rank import LENGTH
from online_models.rankings import Rankings
from online_models.signals import N_SIGNALS
from online_models.sources import alike, neighbouring, own, past, popular, session


class Ranker(NamedTuple):
    """All that ranking needs beside what is known."""

    pool: Pool
    moment: Moment
    reach: Reach
    rankings: Rankings
    work: Work
    aims: F32  # (N_AIMS, DIMENSIONS) where the session and the user are going
    chosen: I32  # (best,) candidates that stage 2 sees
    pulse: F32  # (users' slots, N_PULSE)


class Pair(NamedTuple):
    """Both lists of one ranking, the likeliest first."""

    next: I64  # (LENGTH,)
    discover: I64  # (LENGTH,) nothing that the user played before
    next_chance: F32  # (LENGTH,)
    discover_chance: F32  # (LENGTH,)
    n: I32  # (2,) lengths


def new_pair() -> Pair:
    """Two empty lists."""
    return Pair(
        next=np.zeros(LENGTH, np.int64),
        discover=np.zeros(LENGTH, np.int64),
        next_chance=np.zeros(LENGTH, np.float32),
        discover_chance=np.zeros(LENGTH, np.float32),
        n=np.zeros(2, np.int32),
    )


@kernel
def gather(ranker: Ranker, known: Known, s: int) -> None:
    """All candidates for the user in slot `s`, with their signals."""
    pool, moment, reach = ranker.pool, ranker.moment, ranker.reach
    pools.clear(pool)
    look(moment, known, s)
    neighbouring.add(pool, known, s, moment, reach)
    own.add(pool, known, s, moment, reach)
    session.add(pool, known, s, moment, reach)
    past.add(pool, known, s, moment, reach)
    popular.add(pool, known, s, moment, reach)
    alike.add(pool, known, s, moment, reach)


@kernel
def _keep_track(rankings: Rankings, r: int, m: int, known: Known, aims: F32, at_s: int) -> None:
    """What is known of the track that candidate `m` is, where its row is in memory."""
    t = find(known.tracks.map_keys, known.tracks.map_slots, rankings.key[r, m])
    plays = current = nexts = np.float32(0.0)
    if t >= 0:
        age_s = np.float32(max(at_s - known.tracks.head[t, covisits.POPULAR_AT], 0))
        plays = np.float32(known.tracks.head[t, covisits.PLAYS])
        current = np.float32(known.tracks.popular[t]) * np.float32(np.exp2(-age_s / np.float32(POPULAR_HALFLIFE_S)))
        nexts = known.neighbours.total[t, neighbours.NEXT]
    rankings.track[r, kept.PLAYS, m] = plays
    rankings.track[r, kept.POPULAR, m] = current
    rankings.track[r, kept.NEXTS, m] = nexts
    for a in range(vectors.N_AIMS):
        rankings.track[r, kept.COSINES + a, m] = 0.0
    if t >= 0:
        vectors.cosines(aims, known.vectors[t], rankings.track[r, kept.COSINES :], m)


@kernel
def _keep(ranker: Ranker, known: Known, s: int, r: int) -> int:
    """Note the chosen candidates in ranking `r`; returns how many."""
    pool, rankings = ranker.pool, ranker.rankings
    best = rankings.key.shape[1]
    n = pools.choose(pool, best, ranker.chosen)
    rankings.n[r] = n
    for m in range(n):
        i = ranker.chosen[m]
        rankings.key[r, m] = pool.key[i]
        rankings.prior[r, m] = pool.score[i]
    for k in range(N_SIGNALS):
        for m in range(n):
            rankings.signal[r, k, m] = pool.signal[k, ranker.chosen[m]]
        for m in range(n, best):
            rankings.signal[r, k, m] = 0.0
    vectors.take_aim(ranker.aims, known, s, ranker.moment)
    for m in range(n):
        _keep_track(rankings, r, m, known, ranker.aims, ranker.moment.at_s[0])
    for m in range(n, best):
        rankings.prior[r, m] = 0.0
        rankings.track[r, :, m] = 0.0
    return n


@kernel
def rank_one(ranker: Ranker, gate: Gate, weights: Bilinear, known: Known, s: int) -> int:
    """Rank for the user in slot `s`: `ranker.work.chance` says how likely each `rankings.key[r]` is next; returns `r`."""
    gather(ranker, known, s)
    pool, rankings = ranker.pool, ranker.rankings
    certain = np.float32(0.0)
    for i in range(pool.n[0]):
        certain = max(certain, pool.signal[signals.NEXT, i])
    r = kept.give(rankings, s)
    context.fill(rankings.context[r], ranker.pulse, known, s, ranker.moment, certain)
    mixture.weigh(pool, gate, rankings.context[r], rankings.share[r], rankings.part[r])
    n = _keep(ranker, known, s, r)
    features.fill(ranker.work.x, rankings, r)
    bilinear.score(weights, rankings.context[r], ranker.work)
    bilinear.softmax(ranker.work, n)
    return r


@kernel
def _insert(list_: I64, chance: F32, n: int, key: int, value: float) -> int:
    """Put `key` into the sorted `list_[:n]`, the likelier first; equals keep the order in which they were met."""
    if n == list_.shape[0]:
        if value <= chance[n - 1]:
            return n
        n -= 1
    j = n
    while j > 0 and chance[j - 1] < value:
        list_[j] = list_[j - 1]
        chance[j] = chance[j - 1]
        j -= 1
    list_[j] = key
    chance[j] = value
    return n + 1


@kernel
def pick(ranker: Ranker, users: UserArrays, s: int, r: int, lists: Pair) -> None:
    """Fill both lists from ranking `r`: nothing blocked in either, nothing already played in `discover`."""
    rankings = ranker.rankings
    n_next = n_discover = 0
    for m in range(rankings.n[r]):
        key, chance = rankings.key[r, m], ranker.work.chance[m]
        if history.is_blocked(users, s, key):
            continue
        n_next = _insert(lists.next, lists.next_chance, n_next, key, chance)
        if not history.has_played(users, s, key):
            n_discover = _insert(lists.discover, lists.discover_chance, n_discover, key, chance)
    lists.n[0] = n_next
    lists.n[1] = n_discover


@kernel
def learn_one(ranker: Ranker, gate: Gate, weights: Bilinear, s: int, track: int, listed: int) -> None:
    """The user's next play of the session is `track`; it stood at `listed` (1.., 0 = it did not) of their live list."""
    rankings = ranker.rankings
    r = rankings.place_of[s] - 1
    if r < 0:
        return
    m = kept.place(rankings, r, track)
    if m < 0:
        context.judge(ranker.pulse, s, False, False, False, False, False, listed)
        return
    mixture.learn(gate, rankings, r, m)
    features.fill(ranker.work.x, rankings, r)
    bilinear.learn(weights, rankings.context[r], ranker.work, rankings.n[r], m)
    signal = rankings.signal[r]
    context.judge(
        ranker.pulse,
        s,
        signal[signals.NEXT, m] > 0.0,
        signal[signals.SESSION_TIMES, m] > 0.0,
        signal[signals.TIMES, m] > 0.0,
        signal[signals.REACH, m] > 0.0,
        signal[signals.OWN_NEXT, m] > 0.0,
        listed,
    )
