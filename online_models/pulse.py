"""The pulse of a user: how the last plays of the session could have been known before, as running means.

Part of the context of a ranking (`context.py`), and of the learned part of the user's row.
"""

from __future__ import annotations

import numpy as np

from online_models.arrays import F32
from online_models.kernel import kernel

FOLLOWED, REPEATS_HERE, REPEATS, REACHED, FOUND, OWN_WAYS, N_JUDGED = range(7)
N_PULSE = 7
PULSE_START = np.array([0.3, 0.1, 0.2, 0.5, 0.3, 0.1, 0.0], np.float32)
"""Before anything is known: means over 30Music's first fifth."""
FAST, SLOW = 0.25, 0.15
"""Weights of the newest play in the running means."""
PERSON_MAX = 50
"""Plays over which a user's share of repeats is a mean."""


def new_pulse(n_slots: int) -> F32:
    """Pulses of users nothing is known of (n_slots, N_PULSE)."""
    return np.tile(PULSE_START, (n_slots, 1))


@kernel
def forget(pulse: F32, s: int) -> None:
    """Nothing is known of the user in slot `s`."""
    for k in range(N_PULSE):
        pulse[s, k] = PULSE_START[k]


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
