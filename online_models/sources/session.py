"""What this session already played: some sessions go round in circles."""

from __future__ import annotations

import numpy as np

from online_models import history, signals
from online_models.history import session_length
from online_models.items import SKIPPED
from online_models.kernel import kernel
from online_models.moment import Known, Moment, Reach
from online_models.pool import Pool, meet


@kernel
def add(pool: Pool, known: Known, s: int, moment: Moment, reach: Reach) -> None:
    """The session's plays, as far as the history holds them."""
    users = known.users
    n = users.head[s, history.N_HISTORY]
    for back in range(session_length(users, s)):
        if users.flags[s, n - 1 - back] & SKIPPED:
            continue
        i = meet(pool, users.track[s, n - 1 - back])
        if pool.signal[signals.SESSION_LAST, i] == 0.0:
            pool.signal[signals.SESSION_LAST, i] = np.float32(1.0) / np.float32(back + 1)
        pool.signal[signals.SESSION_TIMES, i] += np.float32(1.0)
