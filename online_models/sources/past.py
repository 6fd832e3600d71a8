"""What people play around what this user played before the session's last tracks: a session that just began says little."""

from __future__ import annotations

import numpy as np

from online_models import neighbours, signals
from online_models.kernel import kernel
from online_models.moment import PAST_BIT, Known, Moment, Reach, in_session, looked_at, newest_past
from online_models.pool import Pool, meet
from online_models.sources.neighbouring import PRIOR

KEPT = 0.9
"""Each track further back counts this much (facts)."""


@kernel
def add(pool: Pool, known: Known, s: int, moment: Moment, reach: Reach) -> None:
    """Neighbours of the newest tracks before those that the moment looks at."""
    users, row = known.users, known.tracks.neighbours
    newest, before = newest_past(users, s), looked_at(users, s)
    kept = np.float32(1.0)
    for back in range(min(reach.past[0], newest + 1)):
        key = users.track[s, newest - back]
        t = moment.recent[before + back]
        if t < 0 or in_session(moment, key):
            continue
        forward = kept / (row.total[t, neighbours.WINDOW] + np.float32(PRIOR))
        near = kept / np.sqrt(row.total[t, neighbours.NEAR] + np.float32(PRIOR))
        for e in range(min(row.n[t], reach.past[1])):
            i = meet(pool, row.dst[t, e])
            pool.via[i] |= 1 << (PAST_BIT + back)
            pool.signal[signals.PAST_WINDOW, i] += row.counts[t, e, neighbours.WINDOW] * forward
            pool.signal[signals.PAST_NEAR, i] += row.counts[t, e, neighbours.NEAR] * near
        kept *= np.float32(KEPT)
