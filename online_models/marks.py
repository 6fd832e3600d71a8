"""What a user decided about tracks and artists: likes, dislikes, blocks; bounded, and nothing that was hidden comes back by itself.

A row keeps the newest `MARKS` decisions in the order of the log. About a track, and as to blocks about an artist,

- the newest decides: a like after a dislike is a like;
- a block ends with its `until`, or with an unblock, which is a block that has ended. From then on the track is as it was
  before the first block: a like or a dislike of that time holds again;
- an undone decision is as if it had never been made.

Time is the time of the event that is answered. Where a user has decided more, the oldest of the least weight gives way
(`_weight`). What was to hide a track then goes into a Bloom filter (2 KB): it says "hidden" wrongly of one track in a hundred
at 1,600 tracks, and of none "not hidden". What the filter hides comes back with a like or an unblock, not with an undo.
"""

from __future__ import annotations

import numpy as np

from online_models import pool, seen, signals
from online_models.arrays import I64
from online_models.artists import NOT_ASKED, NOT_SAID, NameTable, artist_of, note_missing
from online_models.history import FOR_EVER, HIDDEN, MARKS, N_HIDDEN, N_MARKS, TAG, UserArrays
from online_models.kernel import kernel
from online_models.pool import Pool
from online_models.track_state import TrackArrays

NONE, LIKE, DISLIKE, BLOCK, BLOCK_ARTIST = range(5)
"""Kinds of marks, and but for the last verdicts. The mark of an artist's block holds the artist's hash where others hold a track's:
both are 64 bits of one keyed hash in two spaces, so that they are as unlikely to be alike as two tracks'."""
ENDED = 0
"""`until` of an unblock, which is a block that has ended."""

LIKED_ODDS = 3.0
"""A like multiplies the odds that the track is next."""
LIKED_CHANCE = 0.05
"""A liked track that was not played lately is as likely as this at least: of 20 places one."""
LIKED_MAX = 3
"""So many of them in a list, the newest likes first: who likes a hundred tracks gets other things, too."""

_IDLE, _LIKED, _DISLIKED, _BLOCKED, _NEEDED = range(5)


@kernel
def _is_filtered(users: UserArrays, s: int, track: int) -> bool:
    return users.head[s, HIDDEN] > 0 and seen.holds(users.tier_2[users.head[s, HIDDEN]], track)


@kernel
def _filter(users: UserArrays, s: int, track: int) -> None:
    """Hide `track` for good: the mark that hid it gives way."""
    head = users.head
    if head[s, HIDDEN] == 0:
        head[s, HIDDEN] = users.free_2[users.free_2[0]]
        users.free_2[0] -= 1
        users.tier_2[head[s, HIDDEN], :] = 0
    seen.add(users.tier_2[head[s, HIDDEN]], track)
    head[s, N_HIDDEN] += 1


@kernel
def verdict(users: UserArrays, s: int, track: int, at_ms: int) -> int:
    """NONE, LIKE, DISLIKE or BLOCK: what holds of `track` at `at_ms`."""
    lifted = ended = False
    for k in range(users.head[s, N_MARKS] - 1, -1, -1):
        if users.mark_track[s, k] != track:
            continue
        if users.mark_kind[s, k] < BLOCK:
            return users.mark_kind[s, k]
        if not ended:
            if at_ms < np.int64(users.mark_until[s, k]) * 1000:
                return BLOCK
            ended = True
            lifted = users.mark_until[s, k] == ENDED
    return BLOCK if not lifted and _is_filtered(users, s, track) else NONE


@kernel
def is_hidden(users: UserArrays, s: int, track: int, at_ms: int) -> bool:
    """May `track` be in no list of this user that answers an event of `at_ms`?"""
    return verdict(users, s, track, at_ms) >= DISLIKE


@kernel
def _weight(users: UserArrays, s: int, k: int, at_ms: int) -> int:
    """How little mark `k` may give way.

    First what no longer says anything: a block before another, anything before a newer like or dislike, a block that has ended.
    Then likes, dislikes, blocks for ever. Last blocks that end, for the filter would not let them, and what holds against it.
    """
    track, kind, until, newest = users.mark_track[s, k], users.mark_kind[s, k], users.mark_until[s, k], True
    for j in range(k + 1, users.head[s, N_MARKS]):
        if users.mark_track[s, j] == track:
            newest = False
            if kind >= BLOCK or users.mark_kind[s, j] < BLOCK:
                return _IDLE
    against_filter = newest and _is_filtered(users, s, track)
    if kind == LIKE:
        return _NEEDED if against_filter else _LIKED
    if kind == DISLIKE:
        return _DISLIKED
    if until == FOR_EVER:
        return _BLOCKED
    if at_ms < np.int64(until) * 1000 or (until == ENDED and against_filter):
        return _NEEDED
    return _IDLE


@kernel
def _drop(users: UserArrays, s: int, k: int) -> None:
    for j in range(k, users.head[s, N_MARKS] - 1):
        users.mark_track[s, j] = users.mark_track[s, j + 1]
        users.mark_event[s, j] = users.mark_event[s, j + 1]
        users.mark_until[s, j] = users.mark_until[s, j + 1]
        users.mark_kind[s, j] = users.mark_kind[s, j + 1]
    users.head[s, N_MARKS] -= 1


@kernel
def _give_way(users: UserArrays, s: int, at_ms: int) -> None:
    """Make room for one mark: the oldest of the least weight goes, and the filter hides what it hid."""
    least, out = _NEEDED + 1, 0
    for k in range(users.head[s, N_MARKS]):
        weight = _weight(users, s, k, at_ms)
        if weight < least:
            least, out = weight, k
    kind, until_ms = users.mark_kind[s, out], np.int64(users.mark_until[s, out]) * 1000
    if kind == DISLIKE or (kind >= BLOCK and at_ms < until_ms):
        _filter(users, s, users.mark_track[s, out])
    _drop(users, s, out)


@kernel
def _can_lift(users: UserArrays, s: int, track: int) -> bool:
    found = _is_filtered(users, s, track)
    for k in range(users.head[s, N_MARKS]):
        found |= users.mark_track[s, k] == track and users.mark_kind[s, k] >= BLOCK
    return found


@kernel
def decide(users: UserArrays, s: int, track: int, kind: int, until_s: int, event_hash: int, at_ms: int) -> None:
    """Note a decision of `at_ms`; `until_s` is FOR_EVER but for a block that ends, and ENDED for an unblock.

    An unblock of what is not blocked is not noted.
    """
    if kind >= BLOCK and until_s == ENDED and not _can_lift(users, s, track):
        return
    if users.head[s, N_MARKS] == MARKS:
        _give_way(users, s, at_ms)
    k = users.head[s, N_MARKS]
    users.mark_track[s, k] = track
    users.mark_event[s, k] = event_hash & TAG
    users.mark_until[s, k] = until_s
    users.mark_kind[s, k] = kind
    users.head[s, N_MARKS] = k + 1


@kernel
def undo(users: UserArrays, s: int, event_hash: int) -> None:
    """Be as if the decision of this event had never been made."""
    for k in range(users.head[s, N_MARKS] - 1, -1, -1):
        if users.mark_event[s, k] == event_hash & TAG:
            _drop(users, s, k)


@kernel
def _is_newest(users: UserArrays, s: int, k: int) -> bool:
    newest = True
    for j in range(k + 1, users.head[s, N_MARKS]):
        newest &= users.mark_track[s, j] != users.mark_track[s, k]
    return newest


@kernel
def _raise(c: Pool, track: int, n_fresh: int) -> int:
    """A liked track: its odds rise; one that was not played lately becomes a candidate. Returns `n_fresh`, and one more if it did."""
    i = pool.index(c, track)
    if i >= 0:
        p = c.chance[i]
        c.chance[i] = np.float32(LIKED_ODDS) * p / (np.float32(1.0) + np.float32(LIKED_ODDS - 1.0) * p)
        if c.signal[signals.TIMES, i] > 0.0:
            return n_fresh
    if n_fresh == LIKED_MAX:
        return n_fresh
    if i < 0:
        i = pool.meet(c, track)
        c.score[i] = 0.0
        c.chance[i] = 0.0
    if c.chance[i] < np.float32(LIKED_CHANCE):
        c.chance[i] = np.float32(LIKED_CHANCE)
        c.via[i] |= 1 << signals.LIKED_BIT
    return n_fresh + 1


@kernel
def _hide(c: Pool, track: int) -> None:
    i = pool.index(c, track)
    if i >= 0:
        c.chance[i] = 0.0


@kernel
def _hide_filtered(c: Pool, users: UserArrays, s: int, at_ms: int) -> None:
    for i in range(c.n[0]):
        if is_hidden(users, s, c.key[i], at_ms):
            c.chance[i] = 0.0


@kernel
def _hide_artists(c: Pool, users: UserArrays, s: int, at_ms: int, names: NameTable, tracks: TrackArrays, missing: I64) -> None:
    """Candidates by a blocked artist have no chance, nor have those that nobody asked about yet: they will be next time."""
    for i in range(c.n[0]):
        artist = artist_of(names, tracks, c.key[i])
        if artist == NOT_ASKED:
            note_missing(missing, c.key[i])
            c.chance[i] = 0.0
        elif artist != NOT_SAID and is_hidden(users, s, artist, at_ms):
            c.chance[i] = 0.0


@kernel
def weigh(c: Pool, users: UserArrays, s: int, at_ms: int, names: NameTable, tracks: TrackArrays, missing: I64) -> None:
    """Let what the user in slot `s` decided change the chances: what is hidden has none, and is in no list; likes raise.

    Who blocked an artist is shown none of their tracks, the liked ones included.
    """
    n_fresh = 0
    is_filtered = users.head[s, HIDDEN] > 0
    has_artists = is_filtered
    for k in range(users.head[s, N_MARKS] - 1, -1, -1):
        if not _is_newest(users, s, k):
            continue
        track = users.mark_track[s, k]
        holds = verdict(users, s, track, at_ms)
        if holds == LIKE:
            n_fresh = _raise(c, track, n_fresh)
        elif holds != NONE and users.mark_kind[s, k] == BLOCK_ARTIST:
            has_artists = True
        elif holds != NONE:
            _hide(c, track)
    if is_filtered:
        _hide_filtered(c, users, s, at_ms)
    if has_artists:
        _hide_artists(c, users, s, at_ms, names, tracks, missing)
