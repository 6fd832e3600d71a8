"""A listener of the play counts worked out from a user's row, which keeps the newest plays and sums of the rest."""

from __future__ import annotations

from online_models.counts.listener import PLAYS, REPEATS, SESSIONS, Listeners, hear, new_listeners
from online_models.past import Past


def listener_of(past: Past) -> Listeners:
    """One row, the listener's."""
    users = new_listeners(1)
    for track, at_ms in zip(past.track.tolist(), past.at_ms.tolist(), strict=True):
        hear(users, 0, track, at_ms)
    if not past.whole:
        users.head[0, PLAYS] = past.plays
        users.head[0, REPEATS] = max(past.plays - past.distinct, 0)
        users.head[0, SESSIONS] = max(past.sessions, users.head[0, SESSIONS])
    return users
