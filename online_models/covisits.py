"""Next-tables: per track, which tracks follow it in people's sessions, and how strongly.

A row is a pure fold of its items. A table is bounded: a new follower replaces the weakest one
(SpaceSaving without inheriting the count; 64 entries cost .007 HR against 256 on 30Music).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from online_models.arrays import F32, F64, I32, I64, U32, Items
from online_models.finish_features import N_TRACK, fill_track
from online_models.hashmap import find
from online_models.items import FINISHED, SKIPPED
from online_models.kernel import kernel

ENTRIES = 64
"""Followers kept per track."""

# Columns of `head`.
PLAYS, SKIPS, FINISHES, TRANSITIONS, WEIGHT, N_ENTRIES, POPULAR_AT, DURATION_S = range(8)
N_HEAD = 8

POPULAR_HALFLIFE_S = 30 * 24 * 3600
"""Half-life of decayed popularity. facts/quality: 30 days did best on 30Music."""


class TrackArrays(NamedTuple):
    """Rows of tracks, one per slot, and the map from a track's hash to its slot."""

    map_keys: I64
    map_slots: I32
    head: I64  # (n, N_HEAD)
    popular: F64  # (n,) decayed plays at head[POPULAR_AT] (s)
    dst: I64  # (n, ENTRIES)
    weight: I32  # (n, ENTRIES)
    times: I32  # (n, ENTRIES) transitions of any lag
    at_s: U32  # (n, ENTRIES) of the newest
    x: F32  # (n, 4) what the finish model asks of the track, worked out whenever `head` changes: not stored


@kernel
def reset(tracks: TrackArrays, s: int) -> None:
    """Make slot `s` a track that nobody played."""
    tracks.head[s, :] = 0
    tracks.popular[s] = 0.0
    note_counts(tracks, s)


@kernel
def note_counts(tracks: TrackArrays, s: int) -> None:
    """Bring `x` up to date with `head`."""
    h = tracks.head[s]
    fill_track(tracks.x[s], h[PLAYS], h[SKIPS], h[FINISHES], h[DURATION_S])


@kernel
def _weakest(tracks: TrackArrays, s: int) -> int:
    """Place of the entry with the smallest weight, the oldest, the smallest hash: among the last equals."""
    worst = ENTRIES - 1
    for e in range(ENTRIES - 2, -1, -1):
        if tracks.weight[s, e] > tracks.weight[s, worst]:
            break
        a, b = tracks.at_s[s, e], tracks.at_s[s, worst]
        if a < b or (a == b and np.uint64(tracks.dst[s, e]) < np.uint64(tracks.dst[s, worst])):
            worst = e
    return worst


@kernel
def _set(tracks: TrackArrays, s: int, e: int, dst: int, weight: int, count: int, at_s: int) -> None:
    tracks.dst[s, e] = dst
    tracks.weight[s, e] = weight
    tracks.times[s, e] = count
    tracks.at_s[s, e] = at_s


@kernel
def _copy(tracks: TrackArrays, s: int, to: int, frm: int) -> None:
    _set(tracks, s, to, tracks.dst[s, frm], tracks.weight[s, frm], tracks.times[s, frm], np.int64(tracks.at_s[s, frm]))


@kernel
def _settle(tracks: TrackArrays, s: int, hole: int, n: int, dst: int, weight: int, count: int, at_s: int) -> None:
    """Put an entry where it belongs, strongest first, given that place `hole` of `n` is free."""
    e = hole
    while e > 0 and tracks.weight[s, e - 1] < weight:
        _copy(tracks, s, e, e - 1)
        e -= 1
    while e < n - 1 and tracks.weight[s, e + 1] > weight:
        _copy(tracks, s, e, e + 1)
        e += 1
    _set(tracks, s, e, dst, weight, count, at_s)


@kernel
def _change_entry(tracks: TrackArrays, s: int, e: int, weight: int, at_s: int) -> None:
    n = tracks.head[s, N_ENTRIES]
    w = tracks.weight[s, e] + weight
    if w > 0:
        _settle(tracks, s, e, n, tracks.dst[s, e], w, tracks.times[s, e] + 1, max(np.int64(tracks.at_s[s, e]), at_s))
        return
    for k in range(e, n - 1):
        _copy(tracks, s, k, k + 1)
    tracks.head[s, N_ENTRIES] = n - 1


@kernel
def learn_transition(tracks: TrackArrays, s: int, dst: int, weight: int, at_s: int) -> None:
    """`dst` followed the track in slot `s`; a negative weight is a skip of `dst`."""
    head = tracks.head
    head[s, TRANSITIONS] += 1
    head[s, WEIGHT] += weight
    n = head[s, N_ENTRIES]
    for e in range(n):
        if tracks.dst[s, e] == dst:
            _change_entry(tracks, s, e, weight, at_s)
            return
    if weight <= 0:
        return
    if n == ENTRIES:
        _settle(tracks, s, _weakest(tracks, s), n, dst, weight, 1, at_s)
    else:
        head[s, N_ENTRIES] = n + 1
        _settle(tracks, s, n, n + 1, dst, weight, 1, at_s)


@kernel
def learn_play(tracks: TrackArrays, s: int, at_s: int, flags: int, duration_s: int) -> None:
    """The track in slot `s` was played at `at_s`; its length is what the last play that knew it said."""
    head = tracks.head
    if duration_s > 0:
        head[s, DURATION_S] = duration_s
    head[s, PLAYS] += 1
    if flags & SKIPPED:
        head[s, SKIPS] += 1
    if flags & FINISHED:
        head[s, FINISHES] += 1
    note_counts(tracks, s)
    then = head[s, POPULAR_AT]
    if at_s >= then:
        tracks.popular[s] = tracks.popular[s] * 0.5 ** ((at_s - then) / POPULAR_HALFLIFE_S) + 1.0
        head[s, POPULAR_AT] = at_s
    else:
        tracks.popular[s] += 0.5 ** ((then - at_s) / POPULAR_HALFLIFE_S)


@kernel
def popularity_log2(tracks: TrackArrays, s: int) -> float:
    """A score that orders tracks by decayed plays at *any* common time: log2(plays) + time / half-life."""
    if tracks.popular[s] <= 0.0:
        return -1e300
    return np.log2(tracks.popular[s]) + tracks.head[s, POPULAR_AT] / POPULAR_HALFLIFE_S


@kernel
def look_up(tracks: TrackArrays, items: Items, touched: I64, round_n: int, missing: I64, strange: I64, name_end: I64) -> tuple[int, int]:
    """What folding `items` needs: notes the rows that are there as touched in `round_n`, and what is not there.

    Parameters
    ----------
    missing: filled with the hashes whose row is not in memory, with repeats.
    strange, name_end: filled with the count items whose row is not in memory or has no plays (Redis may not know them by
        name), and where their ids end in the ids of all count items, one after the other.

    Returns how many hashes are missing, how many count items are strange.
    """
    n_missing = n_strange = at = 0
    for i in range(items.shape[0]):
        item = items[i]
        counts = item.lag == 0
        owner = item.dst if counts else item.src
        s = find(tracks.map_keys, tracks.map_slots, owner)
        if s < 0:
            missing[n_missing] = owner
            n_missing += 1
        else:
            touched[s] = round_n
        if counts:
            at += int(item.name_len)
            if s < 0 or tracks.head[s, PLAYS] == 0:
                strange[n_strange] = i
                name_end[n_strange] = at
                n_strange += 1
    return n_missing, n_strange


@kernel
def apply_items(tracks: TrackArrays, items: Items, touched: I32) -> int:
    """Fold items in order; every row must be loaded. Writes the touched slots (with repeats), returns how many."""
    n = items.shape[0]
    for i in range(n):
        item = items[i]
        if item.lag == 0:
            s = find(tracks.map_keys, tracks.map_slots, item.dst)
            learn_play(tracks, s, np.int64(item.at_s), np.int64(item.flags), np.int64(item.duration_s))
        else:
            s = find(tracks.map_keys, tracks.map_slots, item.src)
            learn_transition(tracks, s, item.dst, np.int64(item.weight), np.int64(item.at_s))
        touched[i] = s
    return n


def new_tracks(n_slots: int, keys: I64, slots: I32) -> TrackArrays:
    """Empty rows."""
    return TrackArrays(
        map_keys=keys,
        map_slots=slots,
        head=np.zeros((n_slots, N_HEAD), np.int64),
        popular=np.zeros(n_slots, np.float64),
        dst=np.zeros((n_slots, ENTRIES), np.int64),
        weight=np.zeros((n_slots, ENTRIES), np.int32),
        times=np.zeros((n_slots, ENTRIES), np.int32),
        at_s=np.zeros((n_slots, ENTRIES), np.uint32),
        x=np.zeros((n_slots, N_TRACK), np.float32),
    )
