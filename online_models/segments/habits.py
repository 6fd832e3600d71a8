"""What is known of a listener: a few running figures, plain data."""

from __future__ import annotations

import math
from typing import Final

import msgspec

from online_models.history import SESSION_GAP_MS

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
AWAY_MS: Final = 8 * HOUR_MS
"""A longer pause ends a visit: somebody went to bed or to work, and may or may not come back."""
LAST: Final = 20
"""Plays that "of late" means, as many as the question looks ahead."""
LATELY, RECENTLY = 0.1, 0.3
"""Weights of the newest play in running shares: some ten plays, some three."""
NEW_PRIOR: Final = 0.8
"""Share of plays of tracks that are new to their user, at first."""
FINISH_PRIOR: Final = 0.9
"""Share of plays that are heard out, at first."""
RETURN_PRIOR: Final = 0.33
"""Share of visits that are followed by another within a week, at first. All three on the first half of the 30Music sample."""
PAUSE_PRIOR_LOG: Final = math.log(7 * 24.0)
"""A week between visits, at first; in log hours."""
PACE_PRIOR_LOG: Final = math.log(230.0)
"""Four minutes heard of a track, at first; in log seconds."""
SECONDS_MAX: Final = 3_600.0
"""Of a track nothing longer is heard: the rest is a pause."""


class Habits(msgspec.Struct):
    """One listener; times in epoch ms, shares in [0, 1]."""

    first_ms: int
    last_ms: int
    session_ms: int
    """Begin of the session that is on."""
    visit_ms: int
    """Begin of the visit that is on."""
    plays: int = 0
    new: int = 0
    """Plays of tracks that were new to the user."""
    sessions: int = 0
    session_plays: int = 0
    session_new: int = 0
    newest: int = 0
    """The last LAST plays as bits, the newest lowest: 1 = a new track."""
    new_lately: float = NEW_PRIOR
    new_recently: float = NEW_PRIOR
    visits: int = 1
    returns: int = 0
    """Visits that came within a week of the one before."""
    returned_lately: float = RETURN_PRIOR
    pause_log: float = PAUSE_PRIOR_LOG
    pause_mean_log: float = PAUSE_PRIOR_LOG
    plays_day: float = 0.0
    plays_week: float = 0.0
    visits_fortnight: float = 1.0
    """Faded with half-lives of a day, a week, a fortnight."""
    popularity: float = 0.0
    popularity_lately: float = 0.0
    """Of the tracks: log(1 + plays by all)."""
    pace_log: float = PACE_PRIOR_LOG
    pace_spread: float = 0.1
    judged: int = 0
    """Plays of which it is known whether they were heard out."""
    finishes: int = 0
    finish_lately: float = FINISH_PRIOR
    last_finished: float = 1.0


class Play(msgspec.Struct, frozen=True):
    """One play, as the models are told of it."""

    user: int
    track: int
    at_ms: int
    seconds: float | None = None
    """Heard; None = not told."""
    finished: bool | None = None
    """Heard out; None = nobody can say."""
    length_s: float | None = None
    """Of the track; None = not known."""
    is_new: bool = False
    """The user had not played the track before."""
    track_plays: float = 0.0
    track_judged: float = 0.0
    track_finishes: float = 0.0
    """Of the track by all before: plays, those of which it is known how they ended, and those heard out."""


def faded(value: float, by_ms: int, halflife_ms: int) -> float:
    """`value` after `by_ms`: half of it after each `halflife_ms`."""
    return value * 0.5 ** (max(by_ms, 0) / halflife_ms)


def new_habits(at_ms: int) -> Habits:
    """Nobody knows them yet."""
    return Habits(first_ms=at_ms, last_ms=at_ms, session_ms=at_ms, visit_ms=at_ms)


def hear(habits: Habits, play: Play, at_ms: int) -> None:
    """Count a play at `at_ms`, which is not before the user's last one."""
    _pause(habits, at_ms)
    _novelty(habits, play.is_new)
    habits.popularity = math.log1p(play.track_plays + 1.0)
    habits.popularity_lately += LATELY * (habits.popularity - habits.popularity_lately)
    if play.seconds is not None:
        _heard(habits, play.seconds)
    if play.finished is not None:
        _finished(habits, play.finished)
    habits.last_ms = at_ms


def _pause(habits: Habits, at_ms: int) -> None:
    """What the time since the last play says; a first play opens a session, too."""
    pause_ms = at_ms - habits.last_ms
    if habits.plays == 0 or pause_ms >= SESSION_GAP_MS:
        habits.sessions += 1
        habits.session_ms, habits.session_plays, habits.session_new = at_ms, 0, 0
    if pause_ms > AWAY_MS:
        _visit(habits, at_ms, pause_ms)
    habits.plays_day = faded(habits.plays_day, pause_ms, DAY_MS) + 1.0
    habits.plays_week = faded(habits.plays_week, pause_ms, 7 * DAY_MS) + 1.0


def _visit(habits: Habits, at_ms: int, pause_ms: int) -> None:
    returned = pause_ms <= 7 * DAY_MS
    habits.visits_fortnight = faded(habits.visits_fortnight, at_ms - habits.visit_ms, 14 * DAY_MS) + 1.0
    habits.visit_ms = at_ms
    habits.visits += 1
    habits.returns += returned
    habits.returned_lately += 2 * LATELY * (returned - habits.returned_lately)
    habits.pause_log = math.log(pause_ms / HOUR_MS)
    habits.pause_mean_log += RECENTLY * (habits.pause_log - habits.pause_mean_log)


def _novelty(habits: Habits, is_new: bool) -> None:
    habits.plays += 1
    habits.new += is_new
    habits.session_plays += 1
    habits.session_new += is_new
    habits.newest = (habits.newest << 1 | is_new) & ((1 << LAST) - 1)
    habits.new_lately += LATELY * (is_new - habits.new_lately)
    habits.new_recently += RECENTLY * (is_new - habits.new_recently)


def _heard(habits: Habits, seconds: float) -> None:
    length = math.log(min(max(seconds, 1.0), SECONDS_MAX))
    habits.pace_log += LATELY * (length - habits.pace_log)
    habits.pace_spread += LATELY * ((length - habits.pace_log) ** 2 - habits.pace_spread)


def _finished(habits: Habits, finished: bool) -> None:
    habits.judged += 1
    habits.finishes += finished
    habits.finish_lately += LATELY * (finished - habits.finish_lately)
    habits.last_finished = float(finished)
