"""The context of a ranking: what decides how far each signal is to be trusted just now.

Part of it is the user's pulse (`pulse.py`).
"""

from __future__ import annotations

import numpy as np

from online_models import history, neighbours, pulse, signals
from online_models.arrays import F32
from online_models.history import UserArrays, session_length
from online_models.kernel import kernel
from online_models.lanes import largest, log_scaled
from online_models.moment import Known, Moment
from online_models.pool import Pool

CONTEXTS = (
    "always",
    "depth",  # tracks of this session so far, of 10
    "followed",  # the session's plays were among what others played next
    "repeats_here",  # ... were repeats within the session
    "repeats",  # this user's plays are repeats
    "evidence",  # how much is known of what follows the last track
    "gapless",  # the last play began where the one before ended
    "pause",  # logarithm of the time between the last two plays
    "reached",  # the session's plays were near the tracks before
    "found",  # ... stood high in the list
    "certain",  # the best candidate's share of the last track's next plays
    "own_ways",  # ... were ways that this user went before
    "heard",  # this user heard the last track before
    "own_certain",  # the best candidate's own_next
    "aligned_certain",  # the best candidate's alike_aligned
    "history",  # how much of the user's past is known
)
N_CONTEXTS = len(CONTEXTS)
N_TRUST = CONTEXTS.index("heard")
"""Stage 1 decides by the first so many: with all of them it costs more, and HR@20 of `quality` was .5247 instead of .5251."""

GAPLESS_S = 300
"""Two plays begin within a track's length of each other: nothing was left out between them."""


@kernel
def _heard(users: UserArrays, s: int, n: int, key: int) -> float:
    """1 where `key` is among the plays before the newest of `n`."""
    for j in range(n - 1):
        if users.track[s, j] == key:
            return 1.0
    return 0.0


@kernel
def fill(context: F32, known: Known, s: int, moment: Moment, pool: Pool) -> None:
    """Write the context (N_CONTEXTS,) of the user in slot `s`, whose candidates are in the pool."""
    users, beat = known.users, known.users.pulse[s]
    n = users.head[s, history.N_HISTORY]
    last = moment.slot[0] if moment.n[0] > 0 else -1
    context[0] = 1.0
    context[1] = np.float32(moment.n[0]) * np.float32(0.1)
    context[2] = beat[pulse.FOLLOWED] * np.float32(2.0) - np.float32(0.5)
    context[3] = beat[pulse.REPEATS_HERE]
    context[4] = beat[pulse.REPEATS]
    evidence = known.tracks.neighbours.total[last, neighbours.NEXT] if last >= 0 else np.float32(0.0)
    context[5] = log_scaled(evidence, 1.0, 0.25) - np.float32(0.5)
    context[6] = 0.5
    context[7] = 0.5
    if session_length(users, s) >= 2:
        gap_s = np.int64(users.at_s[s, n - 1]) - np.int64(users.at_s[s, n - 2])
        context[6] = 1.0 if gap_s < GAPLESS_S else 0.0
        context[7] = log_scaled(np.float32(max(gap_s, 0)), 0.01, 0.25)
    context[8] = beat[pulse.REACHED] - np.float32(0.5)
    context[9] = beat[pulse.FOUND]
    context[10] = largest(pool.signal[signals.NEXT], pool.n[0])
    context[11] = beat[pulse.OWN_WAYS]
    context[12] = _heard(users, s, n, moment.key[0]) if moment.n[0] > 0 else 0.0
    context[13] = log_scaled(largest(pool.signal[signals.OWN_NEXT], pool.n[0]), 10.0, 0.417)
    context[14] = largest(pool.signal[signals.ALIKE_ALIGNED], pool.n[0])
    context[15] = log_scaled(np.float32(n), 1.0, 0.216) - np.float32(0.5)
