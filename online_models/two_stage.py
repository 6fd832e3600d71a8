"""The learned ranker: sources, stage 1, stage 2. One ranking, and the lesson when the play comes that it foretold."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from online_models import aims, bilinear, context, features, history, kindred, mixture, neighbours, pulse, signals, taste, track_state
from online_models import pool as pools
from online_models import rankings as kept
from online_models.arrays import F32, I32, I64, U16
from online_models.bilinear import Work
from online_models.hashmap import expect, find
from online_models.kernel import kernel
from online_models.moment import RECENT, Known, Moment, Reach, look
from online_models.pool import Pool
from online_models.prefetch import fetch
from online_models.rankings import Rankings
from online_models.signals import N_SIGNALS
from online_models.sources import alike, made, neighbouring, own, past, popular, session
from online_models.taste import Taste
from online_models.track_state import POPULAR_HALFLIFE_S, TrackArrays
from online_models.vectors import DIMENSIONS
from online_models.weights import Weights

AHEAD = 8
"""Candidates whose rows are on their way while one is looked at."""
LEAST = 1e-12
"""A chosen candidate's chance at least: one without any would not be listed where a list is short."""


class Ranker(NamedTuple):
    """All that ranking needs beside what is known."""

    pool: Pool
    moment: Moment
    reach: Reach
    rankings: Rankings
    work: Work
    aims: F32  # (N_AIMS, DIMENSIONS) where the session and the user are going
    kin: U16  # (a power of two,) how much whose plays count for the user (`kindred.py`)
    chosen: I32  # (best,) candidates that stage 2 sees
    slot: I32  # (best,) of their tracks, -1 = not in memory
    taste: Taste


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
    made.add(pool, known, s, moment, reach)
    popular.add(pool, known, s, moment, reach)
    alike.add(pool, known, s, moment, reach)


@kernel
def _keep_track(rankings: Rankings, r: int, m: int, t: int, tracks: TrackArrays, kin: U16, everybody: int, at_s: int) -> None:
    """What is known of the track in slot `t` (-1 = not in memory), which candidate `m` is."""
    plays = current = nexts = kind = np.float32(0.0)
    if t >= 0:
        age_s = np.float32(max(at_s - tracks.head[t, track_state.POPULAR_AT], 0))
        plays = np.float32(tracks.head[t, track_state.PLAYS])
        current = np.float32(tracks.popular[t]) * np.float32(np.exp2(-age_s / np.float32(POPULAR_HALFLIFE_S)))
        nexts = tracks.neighbours.total[t, neighbours.NEXT]
        kind = np.float32(kindred.share(kin, everybody, tracks, t))
    rankings.track[r, kept.PLAYS, m] = plays
    rankings.track[r, kept.POPULAR, m] = current
    rankings.track[r, kept.NEXTS, m] = nexts
    rankings.track[r, kept.KINDRED, m] = kind


@kernel
def _expect_track(tracks: TrackArrays, t: int) -> None:
    """What `_keep_track` reads of slot `t` will be read soon: rows lie far apart."""
    if t < 0:
        return
    length = tracks.listeners.tag.shape[1]
    fetch(tracks.head, t * track_state.N_HEAD * 8, track_state.N_HEAD * 8)
    fetch(tracks.popular, t * 8, 8)
    fetch(tracks.neighbours.total, t * neighbours.N_COUNTS * 4, 4)
    fetch(tracks.vectors, t * DIMENSIONS * 4, DIMENSIONS * 4)
    fetch(tracks.listeners.n, t * 4, 4)
    fetch(tracks.listeners.tag, t * length * 2, length * 2)


@kernel
def _keep_tracks(ranker: Ranker, known: Known, s: int, r: int, n: int) -> None:
    """What is known of the tracks that the `n` candidates are."""
    tracks, rankings, slot = known.tracks, ranker.rankings, ranker.slot
    aims.take_aim(ranker.aims, known, s, ranker.moment)
    everybody = kindred.gather(ranker.kin, known, s, ranker.moment)
    for m in range(n):
        slot[m] = find(tracks.map_keys, tracks.map_slots, rankings.key[r, m])
    for m in range(n):
        if m + AHEAD < n:
            _expect_track(tracks, slot[m + AHEAD])
        _keep_track(rankings, r, m, slot[m], tracks, ranker.kin, everybody, ranker.moment.at_s[0])
    # A loop of its own: in one with what goes before, neither leaves the processor room to begin the next candidate.
    for m in range(n):
        if slot[m] >= 0:
            aims.cosines(ranker.aims, tracks.vectors[slot[m]], rankings.track[r, kept.COSINES :], m)
        else:
            aims.nowhere(rankings.track[r, kept.COSINES :], m)


@kernel
def _keep(ranker: Ranker, known: Known, s: int, r: int) -> int:
    """Note the chosen candidates in ranking `r`; returns how many."""
    pool, rankings = ranker.pool, ranker.rankings
    best = rankings.key.shape[1]
    for back in range(RECENT):  # for aims and kindred, on their way while candidates are chosen
        _expect_track(known.tracks, ranker.moment.recent[back])
    n = pools.choose(pool, best, ranker.chosen)
    rankings.n[r] = n
    for m in range(n):
        i = ranker.chosen[m]
        expect(known.tracks.map_keys, known.tracks.map_slots, pool.key[i])
        rankings.key[r, m] = pool.key[i]
        rankings.prior[r, m] = pool.score[i]
    for k in range(N_SIGNALS):
        for m in range(n):
            rankings.signal[r, k, m] = pool.signal[k, ranker.chosen[m]]
        for m in range(n, best):
            rankings.signal[r, k, m] = 0.0
    _keep_tracks(ranker, known, s, r, n)
    for m in range(n, best):
        rankings.prior[r, m] = 0.0
        rankings.track[r, :, m] = 0.0
    return n


@kernel
def _spread(ranker: Ranker, n: int) -> None:
    """Give every candidate its chance: the `n` chosen what stage 2 says, the others less than any of them, as stage 1 orders them."""
    pool = ranker.pool
    least = np.float32(1.0)
    for m in range(n):
        ranker.work.chance[m] = max(ranker.work.chance[m], np.float32(LEAST))
        least = min(least, ranker.work.chance[m])
        pool.score[ranker.chosen[m]] = 0.0
    most = np.float32(1e-30)
    for i in range(pool.n[0]):
        most = max(most, pool.score[i])
    scale = np.float32(0.5) * least / most
    for i in range(pool.n[0]):
        pool.chance[i] = pool.score[i] * scale
    for m in range(n):
        pool.chance[ranker.chosen[m]] = ranker.work.chance[m]


@kernel
def rank_one(ranker: Ranker, weights: Weights, known: Known, s: int, missing: I64) -> int:
    """Rank for the user in slot `s`: `ranker.pool.chance` says how likely each candidate is next; returns the ranking's place.

    `missing` takes tracks of which nobody asked where they belong.
    """
    gather(ranker, known, s)
    pool, rankings = ranker.pool, ranker.rankings
    r = kept.give(rankings, known.users, s)
    context.fill(rankings.context[r], known, s, ranker.moment, pool)
    mixture.weigh(pool, weights.gate, rankings.context[r], rankings.share[r], rankings.part[r])
    n = _keep(ranker, known, s, r)
    taste.fill(ranker.taste, known, s, ranker.moment, rankings, r, missing)
    features.fill(ranker.work.x, rankings, r)
    bilinear.score(weights.bilinear, rankings.context[r], ranker.work)
    bilinear.softmax(ranker.work, n)
    _spread(ranker, n)
    return r


@kernel
def learn_one(ranker: Ranker, weights: Weights, known: Known, s: int, track: int, listed: int) -> None:
    """The user's next play of the session is `track`; it stood at `listed` (1.., 0 = it did not) of their live list."""
    rankings, users = ranker.rankings, known.users
    r = users.head[s, history.RANKING] - 1
    if r < 0:
        return
    m = kept.place(rankings, r, track)
    if m < 0:
        pulse.judge(users.pulse, s, False, False, False, False, False, listed)
        return
    mixture.learn(weights.gate, rankings, r, m)
    features.fill(ranker.work.x, rankings, r)
    bilinear.learn(weights.bilinear, rankings.context[r], ranker.work, rankings.n[r], m)
    weights.lessons[0] += 1
    signal = rankings.signal[r]
    pulse.judge(
        users.pulse,
        s,
        signal[signals.NEXT, m] > 0.0,
        signal[signals.SESSION_TIMES, m] > 0.0,
        signal[signals.TIMES, m] > 0.0,
        signal[signals.REACH, m] > 0.0,
        signal[signals.OWN_NEXT, m] > 0.0,
        listed,
    )
