"""A user's row in memory, and what one play changes in it: the pure part of a user's state.

Everything here is a function of the partition's log alone: no clock, no track, no model.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from online_models import pulse, seen
from online_models.arrays import F32, I64, U8, U16, U32
from online_models.items import FINISHED, SKIPPED
from online_models.kernel import kernel
from online_models.prefetch import fetch

HISTORY = 100
"""Newest plays kept per user. 200 was not better than 100 on 30Music; a row stays below 2 KB."""
EVENT_IDS = 32
"""Window of event ids in which a producer's repeat is found."""
IMPORTS = 4
"""Import sources whose marks a user's row remembers; the oldest gives way."""
MARKS = 64
"""Decisions about tracks per user: likes, dislikes, blocks (`marks.py`)."""
FOR_EVER = 0xFFFFFFFF
"""`mark_until` of what does not end."""
EXPECTED = 48
"""Plays of a history that are asked for ahead: most users have fewer, and the processor sees by itself where a longer walk goes."""
SHOWN = 20
"""Tracks of the list that is live, against which the next play is tested."""
PASSED = 40
"""Tracks that a row remembers to have been shown and passed over (`fatigue.py`)."""
SEEN = 10
"""Places of a list, from the top, that count as looked at."""
SESSION_GAP_MS = 30 * 60 * 1000
"""A pause this long ends a session where the service names none."""

# Columns of `head`. RANKING is 1 + the place of the ranking that waits for the next play (`rankings.py`), 0 = none.
PLAYS, SKIPS, FINISHES, FIRST_AT, LAST_AT, SESSION, SESSION_N, SESSIONS = range(8)
N_HISTORY, N_EVENT_IDS, N_IMPORTS, N_MARKS, DISTINCT = range(8, 13)
PAUSED, LAST_FORGOTTEN, N_HIDDEN = range(13, 16)
N_PURE = 16
N_SHOWN, TIER_2, TIER_3, RANKING, HIDDEN, N_OFFERED, N_PASSED = range(16, 23)
# The album of the newest play of the history, as its play named it: a hash, 0 = it did not, or was forgotten. Pure, too.
ALBUM = 23
N_HEAD = 24

SKIP_MS = 30_000
"""Shorter plays that were not played to the end are skips, where the track's length does not say otherwise."""
HEARD_SHIFT = 4
"""Upper bits of a skip's flags in the history: how much of half the track was heard, in sixteenths."""
TAG = 0xFFFFFFFF
"""Bits of an event id's hash by which a play or a decision is found again: of 164 two are alike once in 300,000 users."""


class UserArrays(NamedTuple):
    """Rows of users, one per slot."""

    head: I64  # (n, N_HEAD)
    track: I64  # (n, HISTORY) newest last
    at_s: U32  # (n, HISTORY)
    event: U32  # (n, HISTORY) tags of the events
    flags: U8  # (n, HISTORY)
    seen: I64  # (n, 32)
    event_ids: I64  # (n, EVENT_IDS) a ring
    imports: I64  # (n, IMPORTS, 2) source, row
    mark_track: I64  # (n, MARKS) decisions, newest last
    mark_event: U32  # (n, MARKS) tags of the events
    mark_until: U32  # (n, MARKS) of a block: s, when it ends
    mark_kind: U8  # (n, MARKS)
    shown: I64  # (n, SHOWN) learned part, as is the next
    pulse: F32  # (n, pulse.N_PULSE)
    offered: U32  # (n, SEEN) tags of the first tracks of the live `discover`
    passed_tag: U32  # (n, PASSED) tags of tracks that were passed over
    passed: U16  # (n, PASSED) how often, in 1,024ths
    tier_2: I64  # (n2, 256)
    tier_3: I64  # (n3, 2048)
    free_2: I64  # (n2 + 1,) [0] = how many are free, then the free ones
    free_3: I64  # (n3 + 1,)


@kernel
def expect(users: UserArrays, s: int) -> None:
    """Slot `s` will be read soon: ask for what every play reads of it."""
    fetch(users.head, s * N_HEAD * 8, N_HEAD * 8)
    fetch(users.event_ids, s * EVENT_IDS * 8, EVENT_IDS * 8)
    fetch(users.seen, s * seen.TIER_WORDS[0] * 8, seen.TIER_WORDS[0] * 8)
    fetch(users.shown, s * SHOWN * 8, SHOWN * 8)
    fetch(users.pulse, s * pulse.N_PULSE * 4, pulse.N_PULSE * 4)
    fetch(users.offered, s * SEEN * 4, SEEN * 4)
    fetch(users.passed_tag, s * PASSED * 4, PASSED * 4)
    fetch(users.passed, s * PASSED * 2, PASSED * 2)
    fetch(users.track, s * HISTORY * 8, EXPECTED * 8)
    fetch(users.flags, s * HISTORY, HISTORY)
    fetch(users.at_s, s * HISTORY * 4, EXPECTED * 4)


@kernel
def reset(users: UserArrays, s: int) -> None:
    """Make slot `s` a user who never did anything."""
    head = users.head
    if head[s, TIER_2] > 0:
        users.free_2[0] += 1
        users.free_2[users.free_2[0]] = head[s, TIER_2]
    if head[s, TIER_3] > 0:
        users.free_3[0] += 1
        users.free_3[users.free_3[0]] = head[s, TIER_3]
    if head[s, HIDDEN] > 0:
        users.free_2[0] += 1
        users.free_2[users.free_2[0]] = head[s, HIDDEN]
    head[s, :] = 0
    users.seen[s, :] = 0
    users.event_ids[s, :] = 0
    users.imports[s, :, :] = 0
    pulse.forget(users.pulse, s)


@kernel
def is_repeat(users: UserArrays, s: int, event_hash: int, import_source: int, import_row: int) -> bool:
    """Was this event counted before: its id in the window, or its row at or below the import's mark?"""
    for i in range(min(users.head[s, N_EVENT_IDS], EVENT_IDS)):
        if users.event_ids[s, i] == event_hash:
            return True
    if import_source != 0:
        for i in range(min(users.head[s, N_IMPORTS], IMPORTS)):
            if users.imports[s, i, 0] == import_source:
                return import_row <= users.imports[s, i, 1]
    return False


@kernel
def remember_event(users: UserArrays, s: int, event_hash: int, import_source: int, import_row: int) -> None:
    """Note the event's id and, of an import, the row."""
    head = users.head
    users.event_ids[s, head[s, N_EVENT_IDS] % EVENT_IDS] = event_hash
    head[s, N_EVENT_IDS] += 1
    if import_source == 0:
        return
    for i in range(min(head[s, N_IMPORTS], IMPORTS)):
        if users.imports[s, i, 0] == import_source:
            users.imports[s, i, 1] = import_row
            return
    i = head[s, N_IMPORTS] % IMPORTS
    users.imports[s, i, 0] = import_source
    users.imports[s, i, 1] = import_row
    head[s, N_IMPORTS] += 1


@kernel
def play_flags(ms_played: int, duration_ms: int, ended: int) -> int:
    """SKIPPED, FINISHED or 0. `ms_played`, `duration_ms` -1 = unknown; `ended` 1 = played to the end.

    Without `ms_played` a play counts as listened to, neither skipped nor surely finished.
    """
    if ended == 1:
        return FINISHED
    if ms_played < 0:
        return 0
    if duration_ms > 0 and 10 * ms_played >= 9 * duration_ms:
        return FINISHED
    if ms_played < SKIP_MS and (duration_ms <= 0 or 2 * ms_played < duration_ms):
        return SKIPPED
    return 0


@kernel
def heard(ms_played: int, duration_ms: int) -> int:
    """Of a skip: sixteenths of half the track that were heard, 0 .. 15; a track of unknown length has twice `SKIP_MS`."""
    return min(15, 32 * ms_played // (duration_ms if duration_ms > 0 else 2 * SKIP_MS))


@kernel
def same_session(users: UserArrays, s: int, session_hash: int, at_ms: int) -> bool:
    """Does a play that is not late go on with the user's session?"""
    head = users.head
    if head[s, SESSION_N] == 0 or head[s, SESSION] != session_hash:
        return False
    return session_hash != 0 or at_ms - head[s, LAST_AT] < SESSION_GAP_MS


@kernel
def has_played(users: UserArrays, s: int, track: int) -> bool:
    """Did this user ever play `track`? Never wrong when it says no."""
    if seen.holds(users.seen[s], track):
        return True
    if users.head[s, TIER_2] > 0 and seen.holds(users.tier_2[users.head[s, TIER_2]], track):
        return True
    return users.head[s, TIER_3] > 0 and seen.holds(users.tier_3[users.head[s, TIER_3]], track)


@kernel
def _mark_played(users: UserArrays, s: int, track: int) -> None:
    head = users.head
    n = head[s, DISTINCT]
    head[s, DISTINCT] = n + 1
    if n < seen.TIER_TRACKS[0]:
        seen.add(users.seen[s], track)
        return
    if n < seen.TIER_TRACKS[0] + seen.TIER_TRACKS[1]:
        if head[s, TIER_2] == 0:
            head[s, TIER_2] = users.free_2[users.free_2[0]]
            users.free_2[0] -= 1
            users.tier_2[head[s, TIER_2], :] = 0
        seen.add(users.tier_2[head[s, TIER_2]], track)
        return
    if head[s, TIER_3] == 0:
        head[s, TIER_3] = users.free_3[users.free_3[0]]
        users.free_3[0] -= 1
        users.tier_3[head[s, TIER_3], :] = 0
    seen.add(users.tier_3[head[s, TIER_3]], track)


@kernel
def _push(users: UserArrays, s: int, track: int, at_ms: int, flags: int, event_hash: int) -> None:
    n = users.head[s, N_HISTORY]
    if n == HISTORY:
        for k in range(HISTORY - 1):
            users.track[s, k] = users.track[s, k + 1]
            users.at_s[s, k] = users.at_s[s, k + 1]
            users.event[s, k] = users.event[s, k + 1]
            users.flags[s, k] = users.flags[s, k + 1]
        n -= 1
    users.track[s, n] = track
    users.at_s[s, n] = at_ms // 1000
    users.event[s, n] = event_hash & TAG
    users.flags[s, n] = flags
    users.head[s, N_HISTORY] = n + 1


@kernel
def learn_play(users: UserArrays, s: int, track: int, at_ms: int, session_hash: int, flags: int, event_hash: int, album: int = 0) -> bool:
    """Count one play; True when it is late (older than the user's last one: no history, no session).

    `flags` may have what `heard` says above them, from `HEARD_SHIFT` on; `album` is a hash, 0 = not said.
    """
    head = users.head
    late = head[s, PLAYS] > 0 and at_ms < head[s, LAST_AT]
    if head[s, PLAYS] == 0:
        head[s, FIRST_AT] = at_ms
    head[s, PLAYS] += 1
    if flags & SKIPPED:
        head[s, SKIPS] += 1
    if flags & FINISHED:
        head[s, FINISHES] += 1
    if not has_played(users, s, track):
        _mark_played(users, s, track)
    if late:
        return True
    if same_session(users, s, session_hash, at_ms):
        head[s, SESSION_N] += 1
    else:
        head[s, SESSION_N] = 1
        head[s, SESSIONS] += 1
    head[s, SESSION] = session_hash
    head[s, LAST_AT] = at_ms
    head[s, LAST_FORGOTTEN] = 0
    head[s, ALBUM] = album
    _push(users, s, track, at_ms, flags, event_hash)
    return False


@kernel
def session_length(users: UserArrays, s: int) -> int:
    """Plays of the session that the history still holds."""
    return min(users.head[s, N_HISTORY], users.head[s, SESSION_N])


@kernel
def forget(users: UserArrays, s: int, track: int, event_hash: int) -> None:
    """Take plays of `track` (0 = none), and the play of the event (0 = none), out of history and session.

    What was counted stays counted, in this row and in the tracks': sums between them must go on to agree. `has_played` goes
    on to say yes: what was forgotten is not new. A session of which nothing is left is over.
    """
    head, n, gone, last = users.head, 0, 0, users.head[s, N_HISTORY] - 1
    first = last + 1 - session_length(users, s)
    for k in range(last + 1):
        if (track != 0 and users.track[s, k] == track) or (event_hash != 0 and users.event[s, k] == event_hash & TAG):
            gone += k >= first
            if k == last:
                head[s, LAST_FORGOTTEN] = 1
                head[s, ALBUM] = 0
            continue
        users.track[s, n] = users.track[s, k]
        users.at_s[s, n] = users.at_s[s, k]
        users.event[s, n] = users.event[s, k]
        users.flags[s, n] = users.flags[s, k]
        n += 1
    head[s, N_HISTORY] = n
    head[s, SESSION_N] -= gone


def new_users(n_slots: int, n_tier_2: int, n_tier_3: int) -> UserArrays:
    """Empty rows; slot 0 of each tier stays unused, so that 0 can mean none."""
    return UserArrays(
        head=np.zeros((n_slots, N_HEAD), np.int64),
        track=np.zeros((n_slots, HISTORY), np.int64),
        at_s=np.zeros((n_slots, HISTORY), np.uint32),
        event=np.zeros((n_slots, HISTORY), np.uint32),
        flags=np.zeros((n_slots, HISTORY), np.uint8),
        seen=np.zeros((n_slots, seen.TIER_WORDS[0]), np.int64),
        event_ids=np.zeros((n_slots, EVENT_IDS), np.int64),
        imports=np.zeros((n_slots, IMPORTS, 2), np.int64),
        mark_track=np.zeros((n_slots, MARKS), np.int64),
        mark_event=np.zeros((n_slots, MARKS), np.uint32),
        mark_until=np.zeros((n_slots, MARKS), np.uint32),
        mark_kind=np.zeros((n_slots, MARKS), np.uint8),
        shown=np.zeros((n_slots, SHOWN), np.int64),
        pulse=pulse.new_pulse(n_slots),
        offered=np.zeros((n_slots, SEEN), np.uint32),
        passed_tag=np.zeros((n_slots, PASSED), np.uint32),
        passed=np.zeros((n_slots, PASSED), np.uint16),
        tier_2=np.zeros((n_tier_2 + 1, seen.TIER_WORDS[1]), np.int64),
        tier_3=np.zeros((n_tier_3 + 1, seen.TIER_WORDS[2]), np.int64),
        free_2=np.concatenate(([n_tier_2], np.arange(n_tier_2, 0, -1))).astype(np.int64),
        free_3=np.concatenate(([n_tier_3], np.arange(n_tier_3, 0, -1))).astype(np.int64),
    )


@kernel
def session_position(users: UserArrays, s: int, session_hash: int, at_ms: int) -> int:
    """Plays of the session before a play at `at_ms` (0 = it opens one)."""
    return users.head[s, SESSION_N] if same_session(users, s, session_hash, at_ms) else 0
