"""The binary rows of users and tracks, decoded by their documented layout."""

from __future__ import annotations

from struct import Struct, error, unpack_from
from typing import NamedTuple

TRACK_HEAD = Struct("<B3xHH7qd8f64f")
USER_HEAD = Struct("<B3xI13q")
EVENT_IDS, IMPORT_SOURCES = 32, 4
VERSION = 2
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
    popular: float
    totals: tuple[float, ...]
    vector: tuple[float, ...]
    near: list[tuple[int, tuple[float, ...], int, int]]
    """(hash, 8 counts, newest time in s, who), strongest first."""
    visits: list[tuple[int, tuple[int, ...]]]
    """(session, what it played next, by lag), oldest first."""


class UserRow(NamedTuple):
    """The pure part of a user's row, as far as it can be said without the worker's own hashes of event ids."""

    plays: int
    skips: int
    finishes: int
    first_at: int
    last_at: int
    session_plays: int
    sessions: int
    history: list[tuple[int, int, int]]
    blocks: list[int]


def user_row(row: bytes) -> UserRow:
    """Decode a row. Raises `BadRow`."""
    try:
        version, pure, *head = USER_HEAD.unpack_from(row)
        n, n_ids, n_imports, n_blocks = head[8:12]
        if version != VERSION or pure + 8 > len(row):
            raise BadRow(f"version {version}, {pure} bytes of pure part in {len(row)} bytes")
        at = USER_HEAD.size
        tracks, times, flags = (unpack_from(f"<{n}{code}", row, at + n * skip) for code, skip in (("q", 0), ("I", 8), ("B", 12)))
        at += 13 * n + 8 * min(n_ids, EVENT_IDS) + 16 * min(n_imports, IMPORT_SOURCES)
        blocks = list(unpack_from(f"<{n_blocks}q", row, at))
    except error as short:
        raise BadRow(f"{len(row)} bytes are no row: {short}") from None
    plays, skips, finishes, first_at, last_at, _, session_plays, sessions = head[:8]
    history = list(zip(tracks, times, flags, strict=True))
    return UserRow(plays, skips, finishes, first_at, last_at, session_plays, sessions, history, blocks)


def track_row(row: bytes) -> TrackRow:
    """Decode a row. Raises `BadRow`."""
    try:
        version, n, v, plays, skips, finishes, followed, preceded, _, duration_s, popular, *floats = TRACK_HEAD.unpack_from(row)
        if version != VERSION or len(row) != TRACK_HEAD.size + ENTRY_BYTES * n + VISIT_BYTES * v:
            raise BadRow(f"version {version}, {n} neighbours and {v} visits in {len(row)} bytes")
        at = TRACK_HEAD.size
        dst, counts = unpack_from(f"<{n}q", row, at), unpack_from(f"<{8 * n}f", row, at + 8 * n)
        times, who = unpack_from(f"<{n}I", row, at + 40 * n), unpack_from(f"<{n}I", row, at + 44 * n)
        at += ENTRY_BYTES * n
        sessions, after = unpack_from(f"<{v}I", row, at), unpack_from(f"<{WINDOW * v}H", row, at + 4 * v)
    except error as short:
        raise BadRow(f"{len(row)} bytes are no row: {short}") from None
    near = [(dst[i], counts[8 * i : 8 * i + 8], times[i], who[i]) for i in range(n)]
    visits = [(sessions[i], after[WINDOW * i : WINDOW * (i + 1)]) for i in range(v)]
    return TrackRow(plays, skips, finishes, followed, preceded, duration_s, popular, tuple(floats[:8]), tuple(floats[8:]), near, visits)
