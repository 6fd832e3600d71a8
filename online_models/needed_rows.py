"""Which rows of tracks, artists and albums a round of events will read, before it begins."""

from __future__ import annotations

from online_models import history
from online_models.arrays import I64
from online_models.events import PLAY, REJECTED_KIND, Events
from online_models.hashmap import find
from online_models.items import WINDOW
from online_models.kernel import kernel
from online_models.moment import Known
from online_models.track_state import ARTIST, TrackArrays


@kernel
def tracks_needed(
    known: Known, events: Events, n_past: int, loaded_ms: I64, touched: I64, stale_ms: int, mark: I64, round_n: int, out: I64
) -> int:
    """Hashes of rows that ranking this round will read and that are not in memory, or are too old; touches the others.

    Parameters
    ----------
    n_past: tracks before the session's last ones whose rows are read.
    loaded_ms: (slots,) when another worker's row was read (-1 = our own, never old); older than `stale_ms` is too old.
    """
    n, users, tracks = 0, known.users, known.tracks
    for i in range(events.kind.shape[0]):
        if events.kind[i] == REJECTED_KIND:
            continue
        s = events.slot[i]
        n = _need(events.track[i], tracks, loaded_ms, touched, stale_ms, round_n, out, n)
        if mark[s] == round_n:
            continue
        mark[s] = round_n
        held, near = users.head[s, history.N_HISTORY], min(WINDOW, history.session_length(users, s))
        # The next play may open a session: then the tracks of this one are the past.
        for k in range(min(near + n_past, held)):
            n = _need(users.track[s, held - 1 - k], tracks, loaded_ms, touched, stale_ms, round_n, out, n)
    return n


@kernel
def artists_needed(known: Known, events: Events, loaded_ms: I64, touched: I64, stale_ms: int, round_n: int, out: I64) -> int:
    """The same of the artists of last tracks, once the tracks' rows are there to say who made them; at most two per event."""
    n, users, tracks = 0, known.users, known.tracks
    for i in range(events.kind.shape[0]):
        if events.kind[i] == REJECTED_KIND:
            continue
        if events.kind[i] == PLAY:
            own = events.artist[i] if events.artist[i] != 0 else _made_by(tracks, events.track[i])
            n = _need(own, tracks, loaded_ms, touched, stale_ms, round_n, out, n)
        # It stays the last where the event is no play, or a late one.
        held = users.head[events.slot[i], history.N_HISTORY]
        if held > 0:
            last = _made_by(tracks, users.track[events.slot[i], held - 1])
            n = _need(last, tracks, loaded_ms, touched, stale_ms, round_n, out, n)
    return n


@kernel
def albums_needed(known: Known, events: Events, loaded_ms: I64, touched: I64, stale_ms: int, round_n: int, out: I64) -> int:
    """The same of the albums that last plays were of."""
    n, users, tracks = 0, known.users, known.tracks
    for i in range(events.kind.shape[0]):
        if events.kind[i] == REJECTED_KIND:
            continue
        n = _need(events.album[i], tracks, loaded_ms, touched, stale_ms, round_n, out, n)
        n = _need(users.head[events.slot[i], history.ALBUM], tracks, loaded_ms, touched, stale_ms, round_n, out, n)
    return n


@kernel
def _made_by(tracks: TrackArrays, track: int) -> int:
    t = find(tracks.map_keys, tracks.map_slots, track)
    return tracks.head[t, ARTIST] if t >= 0 else 0


@kernel
def _need(track: int, tracks: TrackArrays, loaded_ms: I64, touched: I64, stale_ms: int, round_n: int, out: I64, n: int) -> int:
    if track == 0:
        return n
    t = find(tracks.map_keys, tracks.map_slots, track)
    if t >= 0 and (loaded_ms[t] < 0 or loaded_ms[t] >= stale_ms):
        touched[t] = round_n
        return n
    out[n] = track
    return n + 1
