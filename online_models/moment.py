"""What sources read: the rows in memory, and the session at the moment of ranking."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from online_models import history
from online_models.arrays import F32, I32, I64, U32
from online_models.hashmap import find
from online_models.history import UserArrays, session_length
from online_models.items import PERSON_SHIFT, WINDOW
from online_models.kernel import kernel
from online_models.micro_genres import NO_MICRO_GENRES, MicroGenres
from online_models.track_state import TrackArrays

BAG = 1024
"""Places of the table of sessions alike: a power of two, above twice WINDOW x the longest ring of visits."""
PAST_BIT = WINDOW
"""Bit k of a candidate's `via` is the session's k-th last track; bit PAST_BIT + k the k-th last before those (`newest_past`)."""


RECENT = WINDOW + 16
"""Newest plays whose tracks' rows are looked up: the session's last, and what the user played before."""


class Known(NamedTuple):
    """What ranking reads."""

    users: UserArrays
    tracks: TrackArrays
    popular: I64  # most popular tracks, best first
    popular_weight: F32
    genres: MicroGenres = NO_MICRO_GENRES


class Reach(NamedTuple):
    """How far each source reads: what a preset chooses. `presets.py` says why."""

    neighbours: I32  # (WINDOW,) read of the k-th last track's
    visits: I32  # (WINDOW,) read of the k-th last track's, newest first
    past: I32  # (tracks before the session's last ones asked, neighbours read of each)
    popular: I32  # (1,)
    made: I32  # (1,) tracks read of the last track's artist
    album: I32  # (1,) tracks read of the album that the last play was of


class Moment(NamedTuple):
    """The session's last distinct tracks, newest first, and scratch for the sources."""

    key: I64  # (WINDOW,)
    slot: I32  # (WINDOW,) -1 = not in memory
    n: I32  # (1,)
    recent: I32  # (RECENT,) slots of the tracks of the newest plays, newest first, of whatever session; -1 = not in memory, or no play
    at_s: I64  # (1,) time of the last play
    told: I64  # (2,) track and artist of the play in hand, as far as it says who made it: its track's row may not know yet
    bag_tag: U32  # (BAG,) sessions alike, open addressing, 0 = none
    bag_weight: F32  # (BAG,)
    bag_first: I32  # (BAG,) most recent track of this session that it shares
    bag_used: I32  # (BAG // 2 + 1,) [0] = how many places are taken, then the places
    way: I32  # (WINDOW,) candidates that followed in the session in hand
    way_lag: I32  # (WINDOW,) after how many plays


def new_moment() -> Moment:
    """Nobody's."""
    return Moment(
        key=np.zeros(WINDOW, np.int64),
        slot=np.zeros(WINDOW, np.int32),
        n=np.zeros(1, np.int32),
        recent=np.zeros(RECENT, np.int32),
        at_s=np.zeros(1, np.int64),
        told=np.zeros(2, np.int64),
        bag_tag=np.zeros(BAG, np.uint32),
        bag_weight=np.zeros(BAG, np.float32),
        bag_first=np.zeros(BAG, np.int32),
        bag_used=np.zeros(BAG // 2 + 1, np.int32),
        way=np.zeros(WINDOW, np.int32),
        way_lag=np.zeros(WINDOW, np.int32),
    )


@kernel
def session_tag(users: UserArrays, s: int) -> int:
    """32 bits that name the user's session, never 0: a function of the user's row alone. The upper half are the person's."""
    head = users.head
    x = np.uint64(head[s, history.FIRST_AT]) * np.uint64(0x9E3779B97F4A7C15) ^ np.uint64(head[s, history.SESSION])
    x = (x + np.uint64(head[s, history.SESSIONS])) * np.uint64(0xD6E8FEB86659FD93)
    return session_person(users, s) << PERSON_SHIFT | np.int64(x >> np.uint64(48)) | 1  # type: ignore[return-value]


@kernel
def session_person(users: UserArrays, s: int) -> int:
    """What the tags of all sessions of the user begin with: 16 bits."""
    return person_tag(users, s) >> PERSON_SHIFT


@kernel
def person_tag(users: UserArrays, s: int) -> int:
    """32 bits that name the user, never 0. Who began in the same millisecond counts as one person."""
    return np.int64(np.uint64(users.head[s, history.FIRST_AT]) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(32)) | 1  # type: ignore[return-value]


@kernel
def in_session(moment: Moment, key: int) -> bool:
    """Is `key` one of the last tracks of this session?"""
    found = False
    for k in range(moment.n[0]):
        found |= moment.key[k] == key
    return found


@kernel
def looked_at(users: UserArrays, s: int) -> int:
    """How many of the newest plays, all of this session, the moment looks at."""
    return min(WINDOW, session_length(users, s))


@kernel
def newest_past(users: UserArrays, s: int) -> int:
    """Place in the history of the newest play before those that the moment looks at, of this session or of another; -1 = none."""
    return users.head[s, history.N_HISTORY] - 1 - looked_at(users, s)


@kernel
def look(moment: Moment, known: Known, s: int) -> None:
    """Set the moment to the session of the user in slot `s`."""
    users, tracks = known.users, known.tracks
    n = users.head[s, history.N_HISTORY]
    moment.n[0] = 0
    moment.at_s[0] = users.at_s[s, n - 1] if n > 0 else 0
    for back in range(RECENT):
        moment.recent[back] = find(tracks.map_keys, tracks.map_slots, users.track[s, n - 1 - back]) if back < n else -1
    for back in range(min(WINDOW, session_length(users, s))):
        key = users.track[s, n - 1 - back]
        if not in_session(moment, key):
            k = moment.n[0]
            moment.key[k] = key
            moment.slot[k] = moment.recent[back]
            moment.n[0] = k + 1
