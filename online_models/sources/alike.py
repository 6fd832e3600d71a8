"""Sessions that share tracks with this one, and where they went on: session-based nearest neighbours.

As in VMIS-kNN (Serenade, SIGMOD 2022) the newest sessions of each track are asked and a shared track counts more the
newer and the rarer it is. As in STAN (SIGIR 2019) the place matters: had a session gone the same way, the track that is
to come now would come right after those shared. Votes for known candidates only: what followed is among the neighbours.
"""

from __future__ import annotations

import numpy as np

from online_models import signals, track_state
from online_models.arrays import U16
from online_models.items import WINDOW
from online_models.kernel import kernel
from online_models.moment import BAG, Known, Moment, Reach, session_tag
from online_models.pool import Pool, find_short

KEPT = 0.85
"""The k-th last track counts 0.85 ** k (facts)."""


@kernel
def _place(moment: Moment, tag: int) -> int:
    """Where the session is in the bag, or would be."""
    p = (tag >> 8) & (BAG - 1)
    while moment.bag_tag[p] != 0 and moment.bag_tag[p] != tag:
        p = (p + 1) & (BAG - 1)
    return p


@kernel
def _empty(moment: Moment) -> None:
    for u in range(1, moment.bag_used[0] + 1):
        moment.bag_tag[moment.bag_used[u]] = 0
    moment.bag_used[0] = 0


@kernel
def _note(moment: Moment, tag: int, weight: float, k: int) -> None:
    p = _place(moment, tag)
    if moment.bag_tag[p] == 0:
        moment.bag_tag[p] = tag
        moment.bag_weight[p] = 0.0
        moment.bag_first[p] = k
        moment.bag_used[0] += 1
        moment.bag_used[moment.bag_used[0]] = p
    moment.bag_weight[p] += np.float32(weight)


@kernel
def _gather(moment: Moment, known: Known, own: int, reach: Reach) -> None:
    """Weigh every session that shares a track; `own` is the tag of this one."""
    visits = known.tracks.visits
    length = visits.tag.shape[1]
    kept = 1.0
    for k in range(moment.n[0]):
        t = moment.slot[k]
        if t >= 0:
            weight = kept / np.log(2.0 + known.tracks.head[t, track_state.PLAYS])
            for back in range(min(visits.n[t], reach.visits[k])):
                tag = np.int64(visits.tag[t, (visits.n[t] - 1 - back) % length])
                if tag != own:
                    _note(moment, tag, weight, k)
        kept *= KEPT


@kernel
def _find_ways(moment: Moment, pool: Pool, after: U16) -> int:
    """Note which of the tracks that followed (WINDOW,) are candidates; returns how many.

    Nearly half of them are, in no order that a processor could guess: so none of that is a branch.
    """
    n = 0
    for j in range(WINDOW):
        if after[j] != 0:
            moment.way[n] = find_short(pool, np.int64(after[j]))
            moment.way_lag[n] = j + 1
            n += moment.way[n] >= 0
    return n


@kernel
def _vote(moment: Moment, pool: Pool, after: U16, k: int, weight: float) -> None:
    """The session's ways after the `k`-th last track."""
    for j in range(_find_ways(moment, pool, after)):
        i, lag = moment.way[j], moment.way_lag[j]
        pool.via[i] |= 1 << k
        pool.signal[signals.ALIKE, i] += np.float32(weight)
        pool.signal[signals.ALIKE_ALIGNED, i] += np.float32(weight / (1.0 + abs(lag - 1 - k)))
        if k == 0 and lag == 1:
            pool.signal[signals.ALIKE_NEXT, i] += np.float32(weight)


@kernel
def add(pool: Pool, known: Known, s: int, moment: Moment, reach: Reach) -> None:
    """Each session alike votes once, from the newest track that it shares."""
    _empty(moment)
    own = session_tag(known.users, s)
    _gather(moment, known, own, reach)
    total = 1e-6
    for u in range(1, moment.bag_used[0] + 1):
        total += moment.bag_weight[moment.bag_used[u]] ** 2
    visits = known.tracks.visits
    length = visits.tag.shape[1]
    for k in range(moment.n[0]):
        t = moment.slot[k]
        if t < 0:
            continue
        for back in range(min(visits.n[t], reach.visits[k])):
            v = (visits.n[t] - 1 - back) % length
            tag = np.int64(visits.tag[t, v])
            p = _place(moment, tag)
            if tag != own and moment.bag_first[p] == k:
                _vote(moment, pool, visits.after[t, v], k, moment.bag_weight[p] ** 2 / total)
                moment.bag_first[p] = -1
