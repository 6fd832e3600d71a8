"""What the count models look at: one table of names, one kernel that fills them.

Chosen from 48 by leaving out and adding on the first half of the 30Music sample (docs/counts-and-segments.md); all are
logarithms, shares or flags of the order of 1, so that the regression needs no scaler.
"""

from __future__ import annotations

import math
from typing import Final

from online_models.arrays import F32
from online_models.counts.listener import (
    ACTIVATION_HALFLIFE_MS,
    DAY_MS,
    HOUR_MS,
    LAST_AT,
    LATELY,
    PLAYS,
    RECENT,
    REPEATS,
    SESSION_AT,
    SESSION_PLAYS,
    SESSIONS,
    WAS_REPEAT,
    WEEK,
    WEEK_HALFLIFE_MS,
    Listeners,
    faded,
)
from online_models.kernel import kernel

FEATURES: Final = (
    "bias",
    # the user and the moment
    "session_plays_log",
    "session_hours_log",
    "sessions_log",
    "session_length_log",
    "week_plays_log",
    "is_repeat",
    "repeat_share_log",
    "repeat_lately_log",
    "repeat_recent_log",
    "current_plays_log",
    # the pair
    "plays_log",
    "once",
    "rate_log",
    "span_log",
    "activation_log",
    "in_session",
    "just_now",
    "within_day",
    "age_log",
    "age_log_squared",
    "follows",
)
"""Order of a question's `x`. An entry never changes its meaning: a new meaning is a new model."""

N_FEATURES: Final = len(FEATURES)

REPEAT_PRIOR: Final = 0.17
"""Share of plays that repeat one of the user's newest tracks, on the first half of the 30Music sample."""
USER_PRIOR_PLAYS: Final = 3.0
"""Plays that the prior share counts for."""
PAIR_PRIOR_PLAYS: Final = 0.3
PAIR_PRIOR_DAYS: Final = 7.0
"""The pair's rate is drawn towards .3 plays in 7 days: the rival's own best, on the first half."""
RECENT_FLOOR: Final = 0.05
LATELY_FLOOR: Final = 0.02
"""Half of what one play adds a few plays later: shares below say nothing more."""
JUST_NOW_DAYS: Final = 0.02
"""Half an hour: the sitting that is on."""
AGE_FLOOR_DAYS: Final = 1.0 / 144.0
"""Ten minutes, about two tracks: shorter ages say nothing more."""
AGE_UNIT: Final = 0.2
"""Brings the squared logarithm of ages between minutes and a year to the order of 1."""


@kernel
def fill_user(x: F32, users: Listeners, u: int, now_ms: int) -> None:
    """What `x` (N_FEATURES,) says of the user and the moment; `now_ms` is not before their last play."""
    head, at_ms = users.head[u], users.at_ms[u]
    x[0] = 1.0
    x[1] = math.log1p(head[SESSION_PLAYS])
    x[2] = math.log1p(max(now_ms - at_ms[SESSION_AT], 0) / HOUR_MS)
    x[3] = math.log1p(head[SESSIONS])
    x[4] = math.log1p(head[PLAYS] / max(head[SESSIONS], 1.0))
    x[5] = math.log1p(faded(head[WEEK], max(now_ms - at_ms[LAST_AT], 0), WEEK_HALFLIFE_MS))
    x[6] = head[WAS_REPEAT]
    x[7] = math.log((head[REPEATS] + REPEAT_PRIOR * USER_PRIOR_PLAYS) / (head[PLAYS] + USER_PRIOR_PLAYS))
    x[8] = math.log(head[LATELY] + LATELY_FLOOR)
    x[9] = math.log(head[RECENT] + RECENT_FLOOR)
    x[10] = math.log(max(users.session_plays[u, users.last[u]], 1.0))


@kernel
def fill_pair(x: F32, users: Listeners, u: int, k: int, now_ms: int) -> None:
    """What `x` (N_FEATURES,) says of the track in slot `k` of the user."""
    track, plays = users.track[u, k], users.plays[u, k]
    age_ms = float(max(now_ms - users.last_ms[u, k], 0))
    age_days = age_ms / DAY_MS
    age_log = math.log(age_days + AGE_FLOOR_DAYS)
    span_days = (users.last_ms[u, k] - users.first_ms[u, k]) / DAY_MS
    x[11] = math.log(plays)
    x[12] = 1.0 if plays == 1.0 else 0.0
    x[13] = math.log((plays - 1.0 + PAIR_PRIOR_PLAYS) / (span_days + age_days + PAIR_PRIOR_DAYS))
    x[14] = math.log1p(span_days)
    x[15] = math.log1p(faded(users.activation[u, k], age_ms, ACTIVATION_HALFLIFE_MS))
    x[16] = 1.0 if users.session_plays[u, k] > 0.0 else 0.0
    x[17] = 1.0 if age_days < JUST_NOW_DAYS else 0.0
    x[18] = 1.0 if age_days < 1.0 else 0.0
    x[19] = age_log
    x[20] = AGE_UNIT * age_log * age_log
    x[21] = 1.0 if users.following[u, users.last[u]] == track else 0.0


@kernel
def fill(x: F32, users: Listeners, u: int, k: int, now_ms: int) -> None:
    """The question about the user's track in slot `k`, at `now_ms`, into `x` (N_FEATURES,) float32; always finite."""
    fill_user(x, users, u, now_ms)
    fill_pair(x, users, u, k, now_ms)
