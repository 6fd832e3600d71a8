"""What a user's past says about the tracks heard last: the newest `TRACKS` distinct ones, and the session that is on.

A pure function of the user's plays in order: no clock, no chance, the same size for every user.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from online_models.arrays import F64, I32, I64
from online_models.history import SESSION_GAP_MS
from online_models.kernel import kernel

TRACKS: Final = 50
"""Distinct tracks kept per user: those that questions are asked about."""
NONE: Final = -1

HOUR_MS: Final = 3_600_000.0
DAY_MS: Final = 86_400_000.0
ACTIVATION_HALFLIFE_MS: Final = HOUR_MS
"""Most repeats come within two hours (median 2.1 h on 30Music): what was on in this sitting stands out, what was not is near 0."""
WEEK_HALFLIFE_MS: Final = 7 * DAY_MS
RECENT_STEP: Final = 0.3
LATELY_STEP: Final = 0.1
"""Weights of the newest play in the shares of repeats of late: three and ten plays."""

# Columns of `head` and `at_ms`.
PLAYS, REPEATS, SESSIONS, SESSION_PLAYS, RECENT, LATELY, WEEK, WAS_REPEAT = range(8)
N_HEAD: Final = 8
SESSION_AT, LAST_AT = range(2)


class Listeners(NamedTuple):
    """Rows of users."""

    head: F64  # (n_users, N_HEAD)
    at_ms: I64  # (n_users, 2)
    last: I32  # (n_users,) slot of the track played last, NONE before the first play
    track: I64  # (n_users, TRACKS) NONE = free
    plays: F64  # (n_users, TRACKS) of the pair
    session_plays: F64  # (n_users, TRACKS) of the pair in this session
    activation: F64  # (n_users, TRACKS) plays, each fading with ACTIVATION_HALFLIFE_MS, as of the pair's last one
    first_ms: I64  # (n_users, TRACKS)
    last_ms: I64  # (n_users, TRACKS)
    order: I64  # (n_users, TRACKS) number of the user's play that was the pair's last
    following: I64  # (n_users, TRACKS) the track that came after it last time, NONE = none


def new_listeners(n_users: int) -> Listeners:
    """Rows of users that nothing is known of."""

    def zeros(kind: type[np.generic]) -> np.ndarray:
        return np.zeros((n_users, TRACKS), kind)

    return Listeners(
        head=np.zeros((n_users, N_HEAD)),
        at_ms=np.zeros((n_users, 2), np.int64),
        last=np.full(n_users, NONE, np.int32),
        track=np.full((n_users, TRACKS), NONE, np.int64),
        plays=zeros(np.float64),
        session_plays=zeros(np.float64),
        activation=zeros(np.float64),
        first_ms=zeros(np.int64),
        last_ms=zeros(np.int64),
        order=zeros(np.int64),
        following=np.full((n_users, TRACKS), NONE, np.int64),
    )


@kernel
def faded(value: float, by_ms: float, halflife_ms: float) -> float:
    """`value` after `by_ms` (>= 0): half of it after each `halflife_ms`."""
    return value * 0.5 ** (by_ms / halflife_ms)


@kernel
def slot_of(users: Listeners, u: int, track: int) -> int:
    """Slot of `track` among the user's newest, or NONE."""
    for k in range(TRACKS):
        if users.track[u, k] == track:
            return k
    return NONE


@kernel
def _oldest(users: Listeners, u: int) -> int:
    """A free slot, or that of the track not played for the longest."""
    found = 0
    for k in range(TRACKS):
        if users.track[u, k] == NONE:
            return k
        if users.order[u, k] < users.order[u, found]:
            found = k
    return found


@kernel
def _open_session(users: Listeners, u: int, at_ms: int) -> None:
    users.at_ms[u, SESSION_AT] = at_ms
    users.head[u, SESSIONS] += 1.0
    users.head[u, SESSION_PLAYS] = 0.0
    for k in range(TRACKS):
        users.session_plays[u, k] = 0.0


@kernel
def _take_slot(users: Listeners, u: int, track: int, at_ms: int) -> int:
    k = _oldest(users, u)
    users.track[u, k] = track
    users.plays[u, k] = 0.0
    users.session_plays[u, k] = 0.0
    users.activation[u, k] = 0.0
    users.first_ms[u, k] = at_ms
    users.last_ms[u, k] = at_ms
    users.following[u, k] = NONE
    return k


@kernel
def _count_user(head: F64, repeat: float, pause_ms: float) -> None:
    """A play in `head` (N_HEAD,) of its user."""
    head[PLAYS] += 1.0
    head[REPEATS] += repeat
    head[SESSION_PLAYS] += 1.0
    head[RECENT] += RECENT_STEP * (repeat - head[RECENT])
    head[LATELY] += LATELY_STEP * (repeat - head[LATELY])
    head[WEEK] = faded(head[WEEK], pause_ms, WEEK_HALFLIFE_MS) + 1.0
    head[WAS_REPEAT] = repeat


@kernel
def hear(users: Listeners, u: int, track: int, at_ms: int) -> None:
    """Count a play. `at_ms` must not be before the user's last play: a late one is counted at the time of that."""
    first = users.last[u] == NONE
    pause_ms = 0.0 if first else float(at_ms - users.at_ms[u, LAST_AT])
    k = slot_of(users, u, track)
    repeat = 0.0 if k == NONE else 1.0
    goes_on = not first and pause_ms < SESSION_GAP_MS
    if not goes_on:
        _open_session(users, u, at_ms)
    else:
        users.following[u, users.last[u]] = track
    if k == NONE:
        k = _take_slot(users, u, track, at_ms)
    _count_user(users.head[u], repeat, pause_ms)
    users.activation[u, k] = faded(users.activation[u, k], float(at_ms - users.last_ms[u, k]), ACTIVATION_HALFLIFE_MS) + 1.0
    users.plays[u, k] += 1.0
    users.session_plays[u, k] += 1.0
    users.last_ms[u, k] = at_ms
    users.order[u, k] = int(users.head[u, PLAYS])
    users.at_ms[u, LAST_AT] = at_ms
    users.last[u] = k
