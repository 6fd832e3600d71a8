"""What the finish model looks at: one table of names, one kernel that fills them.

The same `fill` makes the features of a lesson (before the play is counted) and those of each entry of
a list, so that the model is asked the question it was taught.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from online_models.arrays import F32
from online_models.kernel import kernel

FEATURES: Final = (
    "user_finish_share",
    "user_skip_share",
    "user_plays_log",
    "track_finish_share",
    "track_skip_share",
    "track_plays_log",
    "known_to_user",
    "session_position",
    "duration_log",
    "hour_sin",
    "hour_cos",
    "bias",
)
"""Order of a lesson's `x`. An entry never changes its meaning: a new meaning is a new model (`registry.py`)."""

N_FEATURES: Final = len(FEATURES)

FINISH_PRIOR: Final = 0.7
"""Share of plays that are heard to the end, before anything is known: a guess, five plays outweigh it."""
SKIP_PRIOR: Final = 0.2
"""Share of plays that are skipped, before anything is known."""
PRIOR_PLAYS: Final = 5.0
"""Plays that the prior share counts for: after five plays the evidence weighs as much as the prior."""
POSITION_MAX: Final = 50.0
"""A session longer than this is one long evening; 99 of 100 sessions of 30Music are shorter."""
COUNT_MAX: Final = 1e9
"""Counts and seconds beyond this say nothing more; keeps every feature finite for any input."""
DAY_MS: Final = 86_400_000


@kernel
def _count(value: float) -> float:
    """`value` cut to [0, COUNT_MAX]; not a number becomes 0 (a comparison with NaN is false)."""
    if not value > 0.0:
        return 0.0
    return min(float(value), COUNT_MAX)


@kernel
def _share(part: float, whole: float, prior: float) -> float:
    """`part / whole` in [0, 1], drawn towards `prior` while `whole` is small."""
    n = _count(whole)
    return (min(_count(part), n) + prior * PRIOR_PLAYS) / (n + PRIOR_PLAYS)


N_TRACK: Final = 4
"""Features of a track alone, in the order of `TRACK_AT`."""
TRACK_AT: Final = (3, 4, 5, 8)


@kernel
def fill_track(part: F32, track_plays: float, track_skips: float, track_finishes: float, duration_s: float) -> None:
    """What `fill` says of the track, into `part` (4,): kept beside a track's row, for it is asked 30 times between two changes."""
    part[0] = _share(track_finishes, track_plays, FINISH_PRIOR)
    part[1] = _share(track_skips, track_plays, SKIP_PRIOR)
    part[2] = math.log1p(_count(track_plays))
    part[3] = math.log1p(_count(duration_s))


@kernel
def put_track(x: F32, part: F32, known_to_user: float) -> None:
    """Make `x` (12,) the question about another track."""
    for k in range(N_TRACK):
        x[TRACK_AT[k]] = part[k]
    x[6] = 1.0 if known_to_user > 0 else 0.0


@kernel
def put_stranger(x: F32, known_to_user: float) -> None:
    """As `put_track`, of a track that nobody played."""
    x[3], x[4], x[5], x[8] = FINISH_PRIOR, SKIP_PRIOR, 0.0, 0.0
    x[6] = 1.0 if known_to_user > 0 else 0.0


@kernel
def fill_user(x: F32, user_plays: float, user_skips: float, user_finishes: float, session_position: float, at_ms: int) -> None:
    """What `fill` says of the user and the moment."""
    x[0] = _share(user_finishes, user_plays, FINISH_PRIOR)
    x[1] = _share(user_skips, user_plays, SKIP_PRIOR)
    x[2] = math.log1p(_count(user_plays))
    x[7] = min(_count(session_position), POSITION_MAX)
    angle = (at_ms % DAY_MS) * (2.0 * math.pi / DAY_MS)
    x[9] = math.sin(angle)
    x[10] = math.cos(angle)
    x[11] = 1.0


@kernel
def fill(
    x: F32,
    user_plays: float,
    user_skips: float,
    user_finishes: float,
    track_plays: float,
    track_skips: float,
    track_finishes: float,
    known_to_user: float,
    session_position: float,
    duration_ms: float,
    at_ms: int,
) -> None:
    """Writes the features of one (user, track, moment) into `x` (12,) float32; always finite.

    Parameters
    ----------
    user_*, track_*: whole counts *before* the play in question.
    known_to_user: 1 when this user has played the track before, else 0.
    session_position: plays before this one in the session, from 0.
    duration_ms: of the track; 0 or less = unknown.
    at_ms: event time, epoch ms (UTC).
    """
    fill_user(x, user_plays, user_skips, user_finishes, session_position, at_ms)
    x[3] = _share(track_finishes, track_plays, FINISH_PRIOR)
    x[4] = _share(track_skips, track_plays, SKIP_PRIOR)
    x[5] = math.log1p(_count(track_plays))
    x[6] = 1.0 if known_to_user > 0 else 0.0
    x[8] = math.log1p(_count(duration_ms / 1000.0))


def as_mapping(x: F32) -> dict[str, float]:
    """The features of `x` (12,) by name, as River wants them."""
    return dict(zip(FEATURES, np.asarray(x, dtype=np.float32).tolist(), strict=True))
