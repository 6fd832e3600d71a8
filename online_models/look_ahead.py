"""Asks for the memory of the events to come while one is worked on: rows lie far apart, and each wait is longer than a step of work."""

from __future__ import annotations

from online_models import history
from online_models.events import REJECTED_KIND, Events
from online_models.hashmap import expect, find
from online_models.items import WINDOW
from online_models.kernel import kernel
from online_models.moment import RECENT, Known, Reach
from online_models.neighbours import N_COUNTS
from online_models.prefetch import fetch
from online_models.track_state import N_HEAD, TrackArrays


@kernel
def _expect_slots(known: Known, e: Events, i: int) -> None:
    """The places of the tracks that event `i` will read."""
    s, users, tracks = e.slot[i], known.users, known.tracks
    expect(tracks.map_keys, tracks.map_slots, e.track[i])
    n = users.head[s, history.N_HISTORY]
    for k in range(min(history.session_length(users, s) + RECENT - WINDOW, RECENT, n)):
        expect(tracks.map_keys, tracks.map_slots, users.track[s, n - 1 - k])


@kernel
def _expect_row(tracks: TrackArrays, track: int, n_neighbours: int, n_visits: int) -> None:
    """So much of the row of `track` will be read soon."""
    t = find(tracks.map_keys, tracks.map_slots, track)
    if t >= 0:
        near, visits, listeners = tracks.neighbours, tracks.visits, tracks.listeners
        entries, length, people = near.dst.shape[1], visits.tag.shape[1], listeners.tag.shape[1]
        fetch(near.total, t * N_COUNTS * 4, N_COUNTS * 4)
        fetch(near.dst, t * entries * 8, min(entries, n_neighbours) * 8)
        fetch(near.counts, t * entries * N_COUNTS * 4, min(entries, n_neighbours) * N_COUNTS * 4)
        if n_visits > 0:
            fetch(tracks.head, t * N_HEAD * 8, N_HEAD * 8)
            fetch(visits.tag, t * length * 4, min(length, n_visits) * 4)
            fetch(visits.after, t * length * WINDOW * 2, length * WINDOW * 2)
            fetch(listeners.tag, t * people * 2, people * 2)


@kernel
def _expect_rows(known: Known, e: Events, i: int, reach: Reach) -> None:
    """The rows that event `i` will read: its own track's, and those of the session before it."""
    s, users = e.slot[i], known.users
    _expect_row(known.tracks, e.track[i], reach.neighbours[0], reach.visits[0])
    n = users.head[s, history.N_HISTORY]
    of_session = min(WINDOW - 1, history.session_length(users, s))
    for k in range(of_session):
        _expect_row(known.tracks, users.track[s, n - 1 - k], reach.neighbours[k + 1], reach.visits[k + 1])
    for k in range(of_session, min(of_session + reach.past[0], n)):
        _expect_row(known.tracks, users.track[s, n - 1 - k], reach.past[1], 0)


@kernel
def look_ahead(known: Known, e: Events, i: int, reach: Reach) -> None:
    """Ask for the memory of the events after `i` while `i` is worked on: each step needs what the step before asked for."""
    n = e.kind.shape[0]
    if i + 3 < n and e.kind[i + 3] != REJECTED_KIND:
        history.expect(known.users, e.slot[i + 3])
    if i + 2 < n and e.kind[i + 2] != REJECTED_KIND:
        _expect_slots(known, e, i + 2)
    if i + 1 < n and e.kind[i + 1] != REJECTED_KIND:
        _expect_rows(known, e, i + 1, reach)
