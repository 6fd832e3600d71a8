"""Habits worked out from a user's row, which keeps the newest plays and sums of the rest.

What the row does not tell: which of the newest plays were of tracks heard before the oldest of them (they pass for new; the total is
right), how long tracks were heard, visits before the oldest play. How near this comes: docs/counts-and-segments.md.
"""

from __future__ import annotations

from collections.abc import Mapping

from online_models.items import FINISHED, SKIPPED
from online_models.past import Past
from online_models.segments.habits import Habits, Play, hear, new_habits


def habits_of(past: Past, track_plays: Mapping[int, float]) -> Habits | None:
    """The listener as the row shows them; None where it keeps no play.

    Parameters
    ----------
    track_plays: plays by all of a track, as its row says now; absent = 0.
    """
    if not len(past.track):
        return None
    habits, known = new_habits(int(past.at_ms[0])), set[int]()
    for track, at_ms, flags in zip(past.track.tolist(), past.at_ms.tolist(), past.flags.tolist(), strict=True):
        finished = _finished(flags, past.finishes > 0)
        plays = max(track_plays.get(track, 0.0) - 1.0, 0.0)
        hear(habits, Play(0, track, at_ms, None, finished, None, track not in known, plays), at_ms)
        known.add(track)
    habits.first_ms = past.first_ms
    if not past.whole:
        habits.plays, habits.new, habits.sessions = past.plays, past.distinct, max(past.sessions, habits.sessions)
        habits.finishes, habits.judged = past.finishes, past.plays if past.finishes else habits.judged
    return habits


def _finished(flags: int, told: bool) -> bool | None:
    """`told`: the service says how plays end; where it does not, nobody can say that one was broken off."""
    if flags & FINISHED:
        return True
    return False if flags & SKIPPED or told else None
