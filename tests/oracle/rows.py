"""The binary rows of users and tracks, decoded by their documented layout."""

from __future__ import annotations

from struct import Struct, error, unpack_from
from typing import NamedTuple

from tests.oracle.marks import Mark

TRACK_HEAD = Struct("<BxHHH8qd8f64f")
USER_HEAD = Struct("<BB2xI16q")
EVENT_IDS, IMPORT_SOURCES = 32, 4
VERSION = 4
TRACK_VERSION = 4
KINDS = ("", "like", "dislike", "block", "block artist")
FILTER_BYTES = 2_048
TIERS = ((200, 2_048), (1_800, 16_384))
"""A tier of the filter of played tracks: more distinct tracks than this, and its bytes."""
ENTRY_BYTES, VISIT_BYTES, WINDOW = 48, 24, 10


class BadRow(ValueError):
    """Bytes that are no row."""


class TrackRow(NamedTuple):
    """A row's counts, and what else it holds."""

    plays: int
    skips: int
    finishes: int
    followed: int
    preceded: int
    duration_s: int
    artist: int
    popular: float
    totals: tuple[float, ...]
    vector: tuple[float, ...]
    near: list[tuple[int, tuple[float, ...], int, int]]
    """(hash, 8 counts, newest time in s, who), strongest first."""
    visits: list[tuple[int, tuple[int, ...]]]
    """(session, what it played next, by lag), oldest first."""
    listeners: list[int]
    """Tags of who played it, oldest first."""


class UserRow(NamedTuple):
    """The pure part of a user's row, as far as it can be said without the worker's own hashes of event ids."""

    plays: int
    skips: int
    finishes: int
    first_at: int
    last_at: int
    session_plays: int
    sessions: int
    history: list[tuple[int, int, int, int]]
    """(track, time in s, tag of the event, flags), newest last."""
    marks: list[Mark]
    paused: int
    last_forgotten: int
    n_hidden: int
    hidden: int
    """Bits of the filter of tracks that are hidden for good."""
    album: int
    """Hash of the album that the newest play named, 0 = none."""


def user_row(row: bytes) -> UserRow:
    """Decode a row. Raises `BadRow`."""
    try:
        version, on_album, pure, *head = USER_HEAD.unpack_from(row)
        n, n_ids, n_imports, m, distinct, paused, last_forgotten, n_hidden = head[8:]
        if version != VERSION or pure + 8 > len(row):
            raise BadRow(f"version {version}, {pure} bytes of pure part in {len(row)} bytes")
        at = USER_HEAD.size
        history = list(zip(*_columns(row, at, n), strict=True))
        at += 17 * n + 8 * min(n_ids, EVENT_IDS) + 16 * min(n_imports, IMPORT_SOURCES)
        decided = list(zip(*_columns(row, at, m), strict=True))
        if any(not 0 < kind < len(KINDS) for *_, kind in decided):
            raise BadRow(f"kinds of decisions {sorted({kind for *_, kind in decided})}")
        marks = [Mark(KINDS[kind], track, event, until) for track, event, until, kind in decided]
        at += 17 * m + (256 if head[0] > n else 0) + sum(size for more_than, size in TIERS if distinct > more_than)
        end = at + (FILTER_BYTES if n_hidden else 0)
        (album,) = unpack_from("<q", row, end) if on_album else (0,)
        if end + 8 * on_album != pure + 8 or bool(album) != on_album:
            raise BadRow(f"the pure part ends at {pure + 8}, what it holds at {end}")
    except error as short:
        raise BadRow(f"{len(row)} bytes are no row: {short}") from None
    plays, skips, finishes, first_at, last_at, _, session_plays, sessions = head[:8]
    counts = (plays, skips, finishes, first_at, last_at, session_plays, sessions)
    return UserRow(*counts, history, marks, paused, last_forgotten, n_hidden, int.from_bytes(row[at:end], "little"), album)


def _columns(row: bytes, at: int, n: int) -> tuple[tuple[int, ...], ...]:
    """Four columns of `n` numbers, of 8, 4, 4 and 1 bytes."""
    return tuple(unpack_from(f"<{n}{code}", row, at + n * skip) for code, skip in (("q", 0), ("I", 8), ("I", 12), ("B", 16)))


def track_row(row: bytes) -> TrackRow:
    """Decode a row. Raises `BadRow`."""
    try:
        version, people, n, v, plays, skips, finishes, followed, preceded, _, duration_s, artist, popular, *floats = TRACK_HEAD.unpack_from(
            row
        )
        if version != TRACK_VERSION or len(row) != TRACK_HEAD.size + ENTRY_BYTES * n + VISIT_BYTES * v + 2 * people:
            raise BadRow(f"version {version}, {n} neighbours, {v} visits and {people} listeners in {len(row)} bytes")
        at = TRACK_HEAD.size
        dst, counts = unpack_from(f"<{n}q", row, at), unpack_from(f"<{8 * n}f", row, at + 8 * n)
        times, who = unpack_from(f"<{n}I", row, at + 40 * n), unpack_from(f"<{n}I", row, at + 44 * n)
        at += ENTRY_BYTES * n
        sessions, after = unpack_from(f"<{v}I", row, at), unpack_from(f"<{WINDOW * v}H", row, at + 4 * v)
        listeners = list(unpack_from(f"<{people}H", row, at + VISIT_BYTES * v))
    except error as short:
        raise BadRow(f"{len(row)} bytes are no row: {short}") from None
    near = [(dst[i], counts[8 * i : 8 * i + 8], times[i], who[i]) for i in range(n)]
    visits = [(sessions[i], after[WINDOW * i : WINDOW * (i + 1)]) for i in range(v)]
    counts = (plays, skips, finishes, followed, preceded, duration_s, artist)
    return TrackRow(*counts, popular, tuple(floats[:8]), tuple(floats[8:]), near, visits, listeners)
