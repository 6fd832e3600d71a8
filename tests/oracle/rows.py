"""The binary rows of users and tracks, decoded by their documented layout."""

from __future__ import annotations

from struct import Struct, error, unpack_from
from typing import NamedTuple

TRACK_HEAD = Struct("<B7x8qd")
USER_HEAD = Struct("<B3xI13q")
EVENT_IDS, IMPORT_SOURCES = 32, 4
VERSION = 1
ENTRY_BYTES = 20


class BadRow(ValueError):
    """Bytes that are no row."""


class TrackRow(NamedTuple):
    """A row's counts and its next-table: follower's hash -> (weight, transitions, newest time in s)."""

    plays: int
    skips: int
    finishes: int
    transitions: int
    weight: int
    duration_s: int
    popular: float
    table: dict[int, tuple[int, int, int]]


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
        version, plays, skips, finishes, transitions, weight, n, _, duration_s, popular = TRACK_HEAD.unpack_from(row)
        if version != VERSION or not 0 <= n <= 64 or len(row) != TRACK_HEAD.size + ENTRY_BYTES * n:
            raise BadRow(f"version {version}, {n} entries in {len(row)} bytes")
        at = TRACK_HEAD.size
        dst = unpack_from(f"<{n}q", row, at)
        weights, counts, times = (unpack_from(f"<{n}{code}", row, at + n * skip) for code, skip in (("i", 8), ("i", 12), ("I", 16)))
    except error as short:
        raise BadRow(f"{len(row)} bytes are no row: {short}") from None
    table = dict(zip(dst, zip(weights, counts, times, strict=True), strict=True))
    return TrackRow(plays, skips, finishes, transitions, weight, duration_s, popular, table)
