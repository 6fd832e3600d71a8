"""What people play around the last tracks of this session."""

from __future__ import annotations

import numpy as np

from online_models import neighbours, signals
from online_models.kernel import kernel
from online_models.moment import Known, Moment, Reach
from online_models.neighbours import FRESH_S, Neighbours
from online_models.pool import Pool, meet

FORWARD_KEPT = 0.7
"""The k-th last track's followers count 0.7 ** k (facts)."""
NEAR_KEPT = 0.9
"""What is near it counts 0.9 ** k (facts)."""
PRIOR = 5.0
"""Shrinks rows with little evidence, in units of WINDOW."""
FEW = 2.0
"""The same, in plays at one lag."""
DAY_S = 86_400


@kernel
def _add_last(pool: Pool, row: Neighbours, t: int, e: int, i: int, now_s: int) -> None:
    """What the last track alone says of its neighbour at place `e`."""
    counts, total = row.counts[t, e], row.total[t]
    if counts[neighbours.NEXT] <= 0.0:
        return
    share = np.float32(1.0) / (total[neighbours.NEXT] + np.float32(FEW))
    age_s = np.float32(max(now_s - np.int64(row.at_s[t, e]), 0))
    pool.signal[signals.NEXT, i] = counts[neighbours.NEXT] * share
    pool.signal[signals.GAPLESS, i] = counts[neighbours.GAPLESS] / (total[neighbours.GAPLESS] + np.float32(1.0))
    pool.signal[signals.PEOPLE, i] = counts[neighbours.PEOPLE] / (total[neighbours.PEOPLE] + np.float32(FEW))
    pool.signal[signals.FRESH, i] = counts[neighbours.FRESH] * np.float32(np.exp(-age_s / np.float32(FRESH_S))) * share
    pool.signal[signals.AGE, i] = np.float32(1.0) / (np.float32(1.0) + age_s / np.float32(DAY_S))


@kernel
def _add_second(pool: Pool, row: Neighbours, t: int, e: int, i: int) -> None:
    """What the second last track alone says of it."""
    counts, total = row.counts[t, e], row.total[t]
    pool.signal[signals.NEXT_OF_SECOND, i] = counts[neighbours.NEXT] / (total[neighbours.NEXT] + np.float32(FEW))
    pool.signal[signals.SKIP_ONE, i] = counts[neighbours.SKIP_ONE] / (total[neighbours.SKIP_ONE] + np.float32(FEW))


@kernel
def add(pool: Pool, known: Known, s: int, moment: Moment, reach: Reach) -> None:
    """Neighbours of the session's last tracks, the strongest of each."""
    row = known.tracks.neighbours
    kept, kept_near = np.float32(1.0), np.float32(1.0)
    for k in range(moment.n[0]):
        t = moment.slot[k]
        if t >= 0:
            forward = kept / (row.total[t, neighbours.WINDOW] + np.float32(PRIOR))
            before = kept / (row.total[t, neighbours.BEFORE] + np.float32(PRIOR))
            near = kept_near / np.sqrt(row.total[t, neighbours.NEAR] + np.float32(PRIOR))
            for e in range(min(row.n[t], reach.neighbours[k])):
                i = meet(pool, row.dst[t, e])
                pool.via[i] |= 1 << k
                pool.signal[signals.WINDOW, i] += row.counts[t, e, neighbours.WINDOW] * forward
                pool.signal[signals.BEFORE, i] += row.counts[t, e, neighbours.BEFORE] * before
                pool.signal[signals.NEAR, i] += row.counts[t, e, neighbours.NEAR] * near
                pool.signal[signals.REACH, i] += np.float32(1.0)
                if k == 0:
                    _add_last(pool, row, t, e, i, moment.at_s[0])
                elif k == 1:
                    _add_second(pool, row, t, e, i)
        kept *= np.float32(FORWARD_KEPT)
        kept_near *= np.float32(NEAR_KEPT)
