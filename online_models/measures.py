"""Prequential quality of what was published, summed from a round's tests: per day of play, and lately."""

from __future__ import annotations

import numpy as np

from online_models.arrays import F64, I32, I64
from online_models.kernel import kernel
from online_models.plays import APPLIED, NOT_TESTED, Outcomes


@kernel
def measures(out: Outcomes, event_part: I32, event_day: I64, days: I64, table: I64) -> int:
    """Sum the tests by (part, day): `days[k]` = part << 32 | day, `table[k]` = 7 counters; returns how many keys."""
    n = 0
    for i in range(out.rank.shape[0]):
        if out.rank[i] == NOT_TESTED or out.outcome[i] != APPLIED:
            continue
        key = (np.int64(event_part[i]) << 32) | event_day[i]
        k = 0
        while k < n and days[k] != key:
            k += 1
        if k == n:
            days[n] = key
            table[n, :] = 0
            n += 1
        hit = 1 if out.rank[i] > 0 else 0
        if out.in_session[i] == 0:
            table[k, 5] += 1
            table[k, 6] += hit
            continue
        table[k, 0] += 1
        table[k, 1] += hit
        table[k, 2] += 1_000_000 // out.rank[i] if hit else 0
        if out.popular_rank[i] > 0:
            table[k, 3] += 1
            table[k, 4] += 1_000_000 // out.popular_rank[i]
    return n


MEASURES = ("plays", "hits", "rr_e6", "popular_hits", "popular_rr_e6", "first_plays", "first_hits")
"""Columns of `measures`, and the names of the fields in Redis."""


@kernel
def recent(out: Outcomes, event_part: I32, window: F64) -> None:
    """Decayed means over the last ~1,000 tested in-session plays per part: window[part] = plays, hr, mrr, popular hr."""
    for i in range(out.rank.shape[0]):
        if out.rank[i] == NOT_TESTED or out.in_session[i] == 0:
            continue
        w = window[event_part[i]]
        w[0] = min(w[0] + 1.0, 1000.0)
        step = 1.0 / w[0]
        w[1] += step * ((1.0 if out.rank[i] > 0 else 0.0) - w[1])
        w[2] += step * ((1.0 / out.rank[i] if out.rank[i] > 0 else 0.0) - w[2])
        w[3] += step * ((1.0 if out.popular_rank[i] > 0 else 0.0) - w[3])
