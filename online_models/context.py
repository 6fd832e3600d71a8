"""The context of a ranking: what decides how far each signal is to be trusted just now.

Part of it is a pulse per user: how the last plays of the session could have been known before, as running means.
"""

from __future__ import annotations

import numpy as np

from online_models import history, neighbours
from online_models.arrays import F32
from online_models.kernel import kernel
from online_models.logs import log_scaled
from online_models.moment import Known, Moment, session_length

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
)
N_CONTEXTS = len(CONTEXTS)

FOLLOWED, REPEATS_HERE, REPEATS, REACHED, FOUND, OWN_WAYS, N_JUDGED = range(7)
N_PULSE = 7
PULSE_START = np.array([0.3, 0.1, 0.2, 0.5, 0.3, 0.1, 0.0], np.float32)
"""Before anything is known: means over 30Music's first fifth."""
GAPLESS_S = 300
"""Two plays begin within a track's length of each other: nothing was left out between them."""
FAST, SLOW = 0.25, 0.15
"""Weights of the newest play in the running means."""
PERSON_MAX = 50
"""Plays over which a user's share of repeats is a mean."""


def new_pulse(n_slots: int) -> F32:
    """Pulses of users nothing is known of (n_slots, N_PULSE)."""
    return np.tile(PULSE_START, (n_slots, 1))


@kernel
def open_session(pulse: F32, s: int) -> None:
    """A session begins: what was learned of the last one does not count; what is the user's stays."""
    for k in range(N_PULSE):
        if k != REPEATS and k != N_JUDGED:
            pulse[s, k] = PULSE_START[k]


@kernel
def _drift(pulse: F32, s: int, k: int, value: float, weight: float) -> None:
    pulse[s, k] += np.float32(weight) * (np.float32(value) - pulse[s, k])


@kernel
def judge(pulse: F32, s: int, followed: bool, again_here: bool, again: bool, reached: bool, own_way: bool, place: int) -> None:
    """A play of the session came; `place` in the list (1.., 0 = missed) and how it could have been known."""
    _drift(pulse, s, FOLLOWED, 1.0 if followed else 0.0, FAST)
    _drift(pulse, s, REPEATS_HERE, 1.0 if again_here else 0.0, SLOW)
    _drift(pulse, s, REACHED, 1.0 if reached else 0.0, FAST)
    _drift(pulse, s, FOUND, 1.0 / place if place > 0 else 0.0, FAST)
    _drift(pulse, s, OWN_WAYS, 1.0 if own_way else 0.0, FAST)
    _drift(pulse, s, REPEATS, 1.0 if again else 0.0, 1.0 / min(pulse[s, N_JUDGED] + 5.0, float(PERSON_MAX)))
    pulse[s, N_JUDGED] += np.float32(1.0)


@kernel
def fill(context: F32, pulse: F32, known: Known, s: int, moment: Moment, certain: float) -> None:
    """Write the context (N_CONTEXTS,) of the user in slot `s`; `certain` is the largest NEXT signal."""
    users = known.users
    n = users.head[s, history.N_HISTORY]
    last = moment.slot[0] if moment.n[0] > 0 else -1
    context[0] = 1.0
    context[1] = np.float32(moment.n[0]) * np.float32(0.1)
    context[2] = pulse[s, FOLLOWED] * np.float32(2.0) - np.float32(0.5)
    context[3] = pulse[s, REPEATS_HERE]
    context[4] = pulse[s, REPEATS]
    context[5] = log_scaled(known.neighbours.total[last, neighbours.NEXT], 1.0, 0.25) - np.float32(0.5) if last >= 0 else np.float32(-0.5)
    context[6] = 0.5
    context[7] = 0.5
    if session_length(users, s) >= 2:
        gap_s = np.int64(users.at_s[s, n - 1]) - np.int64(users.at_s[s, n - 2])
        context[6] = 1.0 if gap_s < GAPLESS_S else 0.0
        context[7] = log_scaled(np.float32(max(gap_s, 0)), 0.01, 0.25)
    context[8] = pulse[s, REACHED] - np.float32(0.5)
    context[9] = pulse[s, FOUND]
    context[10] = certain
    context[11] = pulse[s, OWN_WAYS]
