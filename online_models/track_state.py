"""A track's row: how it is played, and whom it is played near. Slots, and what an item changes in one.

A row is a pure fold of its items, and bounded. An *artist's row* is one of the same kind: its neighbours are the tracks that
plays said they made, the most played of late first, and its plays those that were not skipped; nothing else is in it. An *album's
row* is the same of an album.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from online_models import listeners, neighbours, vectors, visits
from online_models.arrays import F32, F64, I32, I64, U8, Items, zeros
from online_models.finish_features import N_TRACK, fill_track
from online_models.hashmap import find
from online_models.items import BEFORE, FINISHED, GAPLESS, MADE, ON_ALBUM, PERSON_SHIFT, SKIPPED, whose
from online_models.kernel import kernel
from online_models.listeners import Listeners, new_listeners
from online_models.neighbours import Neighbours, new_neighbours
from online_models.vectors import new_vectors
from online_models.visits import Visits, new_visits

# Columns of `head`. FOLLOWED and PRECEDED count the transitions on either side, of any lag. ARTIST is a hash, 0 = no play said it.
PLAYS, SKIPS, FINISHES, FOLLOWED, PRECEDED, POPULAR_AT, DURATION_S, ARTIST = range(8)
N_HEAD = 8

DAY_S = 24 * 3600
POPULAR_HALFLIFE_S = 30 * DAY_S
"""Half-life of decayed popularity. facts/quality: 30 days did best on 30Music."""


class TrackArrays(NamedTuple):
    """Rows of tracks, one per slot, and the map from a track's hash to its slot."""

    map_keys: I64
    map_slots: I32
    head: I64  # (n, N_HEAD)
    popular: F64  # (n,) decayed plays at head[POPULAR_AT] (s)
    x: F32  # (n, 4) what the finish model asks of the track, worked out whenever `head` changes: not stored
    neighbours: Neighbours
    visits: Visits
    listeners: Listeners
    vectors: F32  # (n, vectors.DIMENSIONS)
    n_made: I64  # (1,) above 0 once a row said who made its track: until then nobody need look


def new_tracks(n_slots: int, keys: I64, slots: I32, n_neighbours: int, n_visits: int, n_listeners: int) -> TrackArrays:
    """Empty rows."""
    return TrackArrays(
        map_keys=keys,
        map_slots=slots,
        head=zeros((n_slots, N_HEAD), np.int64),
        popular=zeros(n_slots, np.float64),
        x=zeros((n_slots, N_TRACK), np.float32),
        neighbours=new_neighbours(n_slots, n_neighbours),
        visits=new_visits(n_slots, n_visits),
        listeners=new_listeners(n_slots, n_listeners),
        vectors=new_vectors(n_slots),
        n_made=zeros(1, np.int64),
    )


@kernel
def reset(tracks: TrackArrays, s: int) -> None:
    """Make slot `s` a track that nobody played."""
    tracks.head[s, :] = 0
    tracks.popular[s] = 0.0
    tracks.vectors[s, :] = 0.0
    neighbours.reset(tracks.neighbours, s)
    visits.reset(tracks.visits, s)
    listeners.reset(tracks.listeners, s)
    note_counts(tracks, s)


@kernel
def note_counts(tracks: TrackArrays, s: int) -> None:
    """Bring `x` up to date with `head`."""
    h = tracks.head[s]
    fill_track(tracks.x[s], h[PLAYS], h[SKIPS], h[FINISHES], h[DURATION_S])


@kernel
def learn_play(tracks: TrackArrays, s: int, at_s: int, flags: int, duration_s: int, artist: int) -> None:
    """The track in slot `s` was played at `at_s`; its length and its artist are what the last play that knew them said.

    A skip makes nobody popular.
    """
    head = tracks.head
    if artist != 0:
        head[s, ARTIST] = artist
        tracks.n_made[0] += 1
    if duration_s > 0:
        head[s, DURATION_S] = duration_s
    head[s, PLAYS] += 1
    if flags & SKIPPED:
        head[s, SKIPS] += 1
    if flags & FINISHED:
        head[s, FINISHES] += 1
    note_counts(tracks, s)
    if flags & SKIPPED:
        return
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
def _learn_after(tracks: TrackArrays, s: int, dst: int, lag: int, at_s: int, flags: int, session: int, person: int) -> None:
    met = neighbours.learn_after(tracks.neighbours, s, dst, lag, at_s, flags & GAPLESS != 0, person)
    vectors.learn(tracks.vectors, s, dst, lag, met)
    visits.follow(tracks.visits, s, session, lag, dst)


@kernel
def _learn_made(tracks: TrackArrays, s: int, dst: int, at_s: int) -> None:
    """The artist or the album in slot `s` was played with `dst`; POPULAR_AT is the day up to which the row has faded."""
    days = max((at_s - tracks.head[s, POPULAR_AT]) // DAY_S, 0)
    tracks.head[s, PLAYS] += 1
    tracks.head[s, POPULAR_AT] += days * DAY_S
    neighbours.learn_made(tracks.neighbours, s, dst, days)


@kernel
def learn_item(tracks: TrackArrays, s: int, item: Any) -> None:
    """Fold one item into the row of its `src`, which is in slot `s`.

    A track is no neighbour of itself, nor of what was skipped: who heard seconds of it did not choose it.
    """
    lag, flags, detail = np.int64(item.lag), np.int64(item.flags), np.int64(item.detail)
    if lag == 0:
        learn_play(tracks, s, np.int64(item.at_s), flags, detail, item.dst)
        if item.session != 0:
            visits.begin(tracks.visits, s, np.int64(item.session))
            if not flags & SKIPPED:
                listeners.learn(tracks.listeners, s, np.int64(item.session) >> PERSON_SHIFT)
    elif flags & (MADE | ON_ALBUM):
        _learn_made(tracks, s, item.dst, np.int64(item.at_s))
    elif flags & BEFORE:
        tracks.head[s, PRECEDED] += 1
        if item.dst != item.src and not flags & SKIPPED:
            met = neighbours.learn_before(tracks.neighbours, s, item.dst, lag)
            vectors.learn(tracks.vectors, s, item.dst, lag, met)
    else:
        tracks.head[s, FOLLOWED] += 1
        if item.dst != item.src and not flags & SKIPPED:
            _learn_after(tracks, s, item.dst, lag, np.int64(item.at_s), flags, np.int64(item.session), detail)


@kernel
def look_up(
    tracks: TrackArrays, items: Items, touched: I64, round_n: int, missing: I64, kind: U8, strange: I64, name_end: I64
) -> tuple[int, int]:
    """What folding `items` needs: notes the rows that are there as touched in `round_n`, and what is not there.

    Parameters
    ----------
    missing, kind: filled with the hashes whose row is not in memory, with repeats, and whose they are (`items.whose`).
    strange, name_end: filled with the count items whose row is not in memory or has no plays (Redis may not know them by
        name), and where their ids end in the ids of all count items, one after the other.

    Returns how many rows are missing, how many count items are strange.
    """
    n_missing = n_strange = at = 0
    for i in range(items.shape[0]):
        item = items[i]
        counts = item.lag == 0
        s = find(tracks.map_keys, tracks.map_slots, item.src)
        if s < 0:
            missing[n_missing] = item.src
            kind[n_missing] = whose(np.int64(item.flags))
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
        s = find(tracks.map_keys, tracks.map_slots, items[i].src)
        learn_item(tracks, s, items[i])
        touched[i] = s
    return n
