"""A log of plays as columns: who played what in which session, and which rows came before.

Users, tracks, artists and sessions are codes; a code says nothing about its id but when it was first met.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from online_models.arrays import I32, I64, U8
from online_models.history import SESSION_GAP_MS


class Log(NamedTuple):
    """`n` plays in order of time; every column is (n,) unless it says otherwise."""

    user: I32
    track: I32
    at_ms: I64
    session: I32
    session_back: I32
    """Row of the play before in the same session, -1 = this one opens it."""
    user_back: I32
    """Row of the same user's play before, -1 = their first."""
    position: I32
    """Plays of the session before this one."""
    earlier: I32
    """Plays of the user before this one."""
    repeat: U8
    """1 = this user played this track before."""
    artist: I32 | None
    """(n_tracks,) of each track, -1 = not told; None = the file has no artists."""
    n_users: int
    n_tracks: int

    @property
    def n(self) -> int:
        """Plays."""
        return len(self.user)


def new_log(user: I64, track: I64, at_ms: I64, session: I64 | None = None, artist: I64 | None = None) -> Log:
    """Columns from codes (n,), in order of time; `session` -1 = not told, `artist` is that of each play.

    >>> log = new_log(np.array([5, 5, 7, 5]), np.array([1, 2, 1, 1]), np.array([0, 1, 2, 9_000_000]))
    >>> log.session_back.tolist(), log.user_back.tolist(), log.repeat.tolist()
    ([-1, 0, -1, -1], [-1, 0, -1, 1], [0, 0, 0, 1])
    """
    users, tracks = dense(user), dense(track)
    user_back = before(users)
    sessions = dense(_sessions(users, at_ms, session))
    session_back = before(sessions)
    n_tracks = int(tracks.max(initial=-1)) + 1
    return Log(
        user=users,
        track=tracks,
        at_ms=at_ms,
        session=sessions,
        session_back=session_back,
        user_back=user_back,
        position=count_before(session_back),
        earlier=count_before(user_back),
        repeat=(before(dense(users.astype(np.int64) * n_tracks + tracks)) >= 0).astype(np.uint8),
        artist=None if artist is None else _artist_of(tracks, n_tracks, artist),
        n_users=int(users.max(initial=-1)) + 1,
        n_tracks=n_tracks,
    )


def dense(codes: I64 | I32) -> I32:
    """The same groups as 0, 1, …, in order of first appearance (n,).

    >>> dense(np.array([9, 4, 9, 7])).tolist()
    [0, 1, 0, 2]
    """
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    number = np.empty(len(first), np.int32)
    number[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    return number[inverse]


def before(group: I32) -> I32:
    """Row of the same group's last element before each (n,), -1 = none.

    >>> before(np.array([0, 1, 0, 0], np.int32)).tolist()
    [-1, -1, 0, 2]
    """
    order = np.argsort(group, kind="stable").astype(np.int32)
    found = np.full(len(group), -1, np.int32)
    same = group[order[1:]] == group[order[:-1]]
    found[order[1:][same]] = order[:-1][same]
    return found


def _sessions(user: I32, at_ms: I64, session: I64 | None) -> I64:
    """Told sessions belong to one user each; where none is told, a pause of half an hour ends one, as in the pipeline."""
    n = len(user)
    told = np.full(n, -1, np.int64) if session is None else session
    group = dense(user.astype(np.int64) * (int(told.max(initial=-1)) + 2) + told + 1)
    back = before(group)
    opens = (back < 0) | ((told < 0) & (at_ms - at_ms[back] >= SESSION_GAP_MS))
    found = np.arange(n, dtype=np.int64)
    order = np.argsort(group, kind="stable")
    found[order] = np.cumsum(opens[order])
    return found


def count_before(back: I32) -> I32:
    """How many come before each, by the row of the one before (n,), -1 = none.

    >>> count_before(np.array([-1, -1, 0, 2], np.int32)).tolist()
    [0, 0, 1, 2]
    """
    count = np.zeros(len(back), np.int32)
    depth = back.tolist()
    numbers = [0] * len(depth)
    for i, j in enumerate(depth):
        if j >= 0:
            numbers[i] = numbers[j] + 1
    count[:] = numbers
    return count


def _artist_of(track: I32, n_tracks: int, artist: I64) -> I32:
    """The first artist that was told of each track."""
    found = np.full(n_tracks, -1, np.int32)
    told = np.flatnonzero(artist >= 0)[::-1]
    found[track[told]] = dense(artist)[told]
    return found
