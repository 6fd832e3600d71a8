"""What the segment models look at: two tables of names and the functions that fill them.

A name that ends in `_log` is log(1 + value) of what the rest of it says, so that a tree's bound can be shown as that value.
"""

from __future__ import annotations

import math
from typing import Final

from online_models.segments.habits import DAY_MS, FINISH_PRIOR, HOUR_MS, LAST, NEW_PRIOR, RETURN_PRIOR, Habits, Play
from online_models.segments.waiting import EXPLORING, FINISHING, RETURNING

HABIT_FEATURES: Final = (
    "new_share_of_last_20",
    "new_share",
    "new_share_lately",
    "new_share_recently",
    "new_share_of_session",
    "last_was_new",
    "plays_log",
    "sessions_log",
    "session_plays_log",
    "session_hours_log",
    "visits_log",
    "days_known_log",
    "plays_per_session_log",
    "hours_away_before_log",
    "hours_away_usually_log",
    "return_share",
    "return_share_lately",
    "plays_of_day_log",
    "plays_of_week_log",
    "visits_of_fortnight_log",
    "popularity_log",
    "popularity_lately_log",
    "seconds_heard_log",
    "seconds_spread",
    "finish_share",
    "hour_sin",
    "hour_cos",
)
"""Of a listener after a play. An entry never changes its meaning: a new meaning is a new model."""

PLAY_FEATURES: Final = (
    "user_finish_share",
    "user_finish_share_lately",
    "last_was_finished",
    "track_finish_share",
    "track_plays_log",
    "known_to_user",
    "length_seconds_log",
    "session_plays_log",
    "plays_log",
    "seconds_heard_log",
    "new_share_lately",
    "minutes_since_last_log",
    "hour_sin",
    "hour_cos",
)
"""Of a play that begins."""

OF_TARGET: Final = {EXPLORING: HABIT_FEATURES, RETURNING: HABIT_FEATURES, FINISHING: PLAY_FEATURES}
"""What each question is asked about."""

PRIOR_PLAYS: Final = 3.0
FINISH_PRIOR_PLAYS: Final = 5.0
"""Plays, or visits, that a prior share counts for."""
PAUSE_MAX_MS: Final = HOUR_MS


def of_listener(habits: Habits, now_ms: int) -> dict[str, float]:
    """HABIT_FEATURES of a listener at `now_ms`, which is not before their last play."""
    n = min(habits.plays, LAST)
    since_ms = now_ms - habits.last_ms
    sine, cosine = _hour(now_ms)
    values = (
        _share(habits.newest.bit_count(), n, NEW_PRIOR, PRIOR_PLAYS),
        _share(habits.new, habits.plays, NEW_PRIOR, PRIOR_PLAYS),
        habits.new_lately,
        habits.new_recently,
        _share(habits.session_new, habits.session_plays, NEW_PRIOR, 1.0),
        float(habits.newest & 1),
        math.log1p(habits.plays),
        math.log1p(habits.sessions),
        math.log1p(habits.session_plays),
        math.log1p((now_ms - habits.session_ms) / HOUR_MS),
        math.log1p(habits.visits),
        math.log1p((now_ms - habits.first_ms) / DAY_MS),
        math.log1p(habits.plays / max(habits.sessions, 1)),
        math.log1p(math.exp(habits.pause_log)),
        math.log1p(math.exp(habits.pause_mean_log)),
        _share(habits.returns, habits.visits - 1, RETURN_PRIOR, PRIOR_PLAYS),
        habits.returned_lately,
        math.log1p(habits.plays_day * 0.5 ** (since_ms / DAY_MS)),
        math.log1p(habits.plays_week * 0.5 ** (since_ms / (7 * DAY_MS))),
        math.log1p(habits.visits_fortnight),
        habits.popularity,
        habits.popularity_lately,
        habits.pace_log,
        math.sqrt(habits.pace_spread),
        _share(habits.finishes, habits.judged, FINISH_PRIOR, FINISH_PRIOR_PLAYS),
        sine,
        cosine,
    )
    return dict(zip(HABIT_FEATURES, values, strict=True))


def of_play(habits: Habits, play: Play, at_ms: int) -> dict[str, float]:
    """PLAY_FEATURES of a play that begins at `at_ms`, before anything of it is counted."""
    sine, cosine = _hour(at_ms)
    since_ms = min(max(at_ms - habits.last_ms, 0), PAUSE_MAX_MS)
    values = (
        _share(habits.finishes, habits.judged, FINISH_PRIOR, FINISH_PRIOR_PLAYS),
        habits.finish_lately,
        habits.last_finished,
        _share(play.track_finishes, play.track_judged, FINISH_PRIOR, FINISH_PRIOR_PLAYS),
        math.log1p(play.track_plays),
        float(not play.is_new),
        math.log1p(play.length_s) if play.length_s is not None else habits.pace_log,
        math.log1p(habits.session_plays if since_ms < PAUSE_MAX_MS // 2 else 0),
        math.log1p(habits.plays),
        habits.pace_log,
        habits.new_lately,
        math.log1p(since_ms / 60_000),
        sine,
        cosine,
    )
    return dict(zip(PLAY_FEATURES, values, strict=True))


def _share(part: float, whole: float, prior: float, prior_n: float) -> float:
    """`part / whole`, drawn to `prior` while `whole` is small."""
    return (part + prior * prior_n) / (whole + prior_n)


def _hour(at_ms: int) -> tuple[float, float]:
    angle = (at_ms % DAY_MS) * (2.0 * math.pi / DAY_MS)
    return math.sin(angle), math.cos(angle)
