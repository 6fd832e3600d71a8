"""Users' rows: in memory one slot each, in Redis the binary field `row`.

Layout of `row`, little endian:

| bytes | what |
|---|---|
| 1 | version, 4; what was written as version 3 ends before the last part, and is read |
| 1 | 1 where the pure part ends with an album, else 0 |
| 2 | zero |
| 4 | length of the pure part that follows |
| 128 | 16 x i64: plays, skips, finishes, first_at, last_at (ms), session hash, plays in session, sessions, |
| | n history, event ids seen, import sources seen, marks, distinct tracks, paused, last play forgotten, tracks hidden for good |
| 17 n | history, newest last: n x u64 track hash, n x u32 time (s), n x u32 tag of the event (the low half of its id's hash), |
| | n x u8 flags (1 skipped, 2 finished; of a skip the upper half says how much was heard, `history.heard`) |
| 8 e | event-id hashes, a ring of 32 |
| 16 i | import sources and rows, a ring of 4 |
| 17 m | marks, newest last: m x u64 track hash, m x u32 tag of the event, m x u32 until (s; 2**32 - 1 for ever, 0 = an unblock), |
| | m x u8 kind (1 like, 2 dislike, 3 block; `online_models/marks.py`) |
| 256 | first Bloom tier, only where plays > n history (else it is rebuilt from the history) |
| 2,048 / 16,384 | second, third tier, where distinct > 200 / > 1,800 |
| 2,048 | Bloom filter of tracks hidden for good, where there are any |
| 8 | hash of the album of the newest play, where that named one |
| 36 + 8 s | learned part: number of tracks of the live `next` list, their hashes, the pulse (7 x f32, `online_models/pulse.py`), |
| 2 + 4 d + 6 p | u8 how many of the first tracks of the live `discover` (10 at most), u8 how many passed over (40 at most), |
| | d x u32 tags (the low half of their hashes), p x u32 tags, p x u16 how often, in 1,024ths (`online_models/fatigue.py`) |
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import repeat

import numpy as np

from online_models import history, seen
from online_models.arrays import I32, I64, U8
from online_models.bytes_copy import read, write
from online_models.history import UserArrays, new_users
from online_models.kernel import kernel
from online_models.pulse import N_PULSE

VERSION = 4
WITHOUT_PASSED = 3
"""A row of this version is read, too: its learned part ends with the pulse, so nothing was passed over yet."""
ROW_BYTES_MAX = 26 * 1024
"""A row with all tiers: 24 KB."""
_HEADER = 8


@kernel
def _ring(n: int, size: int) -> int:
    return min(n, size)


@kernel
def _pack_marks(u: UserArrays, s: int, n: int, out: U8, at: int) -> int:
    at = write(out, at, u.mark_track, s * history.MARKS * 8, n * 8)
    at = write(out, at, u.mark_event, s * history.MARKS * 4, n * 4)
    at = write(out, at, u.mark_until, s * history.MARKS * 4, n * 4)
    return write(out, at, u.mark_kind, s * history.MARKS, n)


@kernel
def _pack_passed(u: UserArrays, s: int, out: U8, at: int) -> int:
    d, p = u.head[s, history.N_OFFERED], u.head[s, history.N_PASSED]
    out[at] = d
    out[at + 1] = p
    at = write(out, at + 2, u.offered, s * history.SEEN * 4, d * 4)
    at = write(out, at, u.passed_tag, s * history.PASSED * 4, p * 4)
    return write(out, at, u.passed, s * history.PASSED * 2, p * 2)


@kernel
def _unpack_passed(u: UserArrays, s: int, data: U8, at: int) -> int:
    """Refuses, by a place behind the end, what is not exactly the rest of the row."""
    refused = data.shape[0] + 1
    if at + 2 > data.shape[0]:
        return refused
    d, p = np.int64(data[at]), np.int64(data[at + 1])
    if d > history.SEEN or p > history.PASSED or at + 2 + 4 * d + 6 * p != data.shape[0]:
        return refused
    u.head[s, history.N_OFFERED] = d
    u.head[s, history.N_PASSED] = p
    at = read(u.offered, s * history.SEEN * 4, data, at + 2, d * 4)
    at = read(u.passed_tag, s * history.PASSED * 4, data, at, p * 4)
    return read(u.passed, s * history.PASSED * 2, data, at, p * 2)


@kernel
def _unpack_marks(u: UserArrays, s: int, n: int, data: U8, at: int) -> int:
    at = read(u.mark_track, s * history.MARKS * 8, data, at, n * 8)
    at = read(u.mark_event, s * history.MARKS * 4, data, at, n * 4)
    at = read(u.mark_until, s * history.MARKS * 4, data, at, n * 4)
    return read(u.mark_kind, s * history.MARKS, data, at, n)


@kernel
def _unpack_played(u: UserArrays, s: int, n: int, data: U8, at: int) -> int:
    """The filter of what was played, of which the first tier is made anew where the history has all of it."""
    h = u.head
    if h[s, history.PLAYS] > n:
        at = read(u.seen, s * 256, data, at, 256)
    else:
        for i in range(n):
            seen.add(u.seen[s], u.track[s, i])
    if h[s, history.DISTINCT] > seen.TIER_TRACKS[0]:
        h[s, history.TIER_2] = u.free_2[u.free_2[0]]
        u.free_2[0] -= 1
        at = read(u.tier_2, h[s, history.TIER_2] * 2048, data, at, 2048)
    if h[s, history.DISTINCT] > seen.TIER_TRACKS[0] + seen.TIER_TRACKS[1]:
        h[s, history.TIER_3] = u.free_3[u.free_3[0]]
        u.free_3[0] -= 1
        at = read(u.tier_3, h[s, history.TIER_3] * 16384, data, at, 16384)
    return at


@kernel
def _pack_pure(u: UserArrays, s: int, out: U8, at: int) -> int:
    h = u.head
    n = h[s, history.N_HISTORY]
    at = write(out, at, h, s * history.N_HEAD * 8, history.N_PURE * 8)
    at = write(out, at, u.track, s * history.HISTORY * 8, n * 8)
    at = write(out, at, u.at_s, s * history.HISTORY * 4, n * 4)
    at = write(out, at, u.event, s * history.HISTORY * 4, n * 4)
    at = write(out, at, u.flags, s * history.HISTORY, n)
    at = write(out, at, u.event_ids, s * history.EVENT_IDS * 8, _ring(h[s, history.N_EVENT_IDS], history.EVENT_IDS) * 8)
    at = write(out, at, u.imports, s * history.IMPORTS * 16, _ring(h[s, history.N_IMPORTS], history.IMPORTS) * 16)
    at = _pack_marks(u, s, h[s, history.N_MARKS], out, at)
    if h[s, history.PLAYS] > n:
        at = write(out, at, u.seen, s * 256, 256)
    if h[s, history.TIER_2] > 0:
        at = write(out, at, u.tier_2, h[s, history.TIER_2] * 2048, 2048)
    if h[s, history.TIER_3] > 0:
        at = write(out, at, u.tier_3, h[s, history.TIER_3] * 16384, 16384)
    if h[s, history.HIDDEN] > 0:
        at = write(out, at, u.tier_2, h[s, history.HIDDEN] * 2048, 2048)
    if h[s, history.ALBUM] != 0:
        at = write(out, at, h, (s * history.N_HEAD + history.ALBUM) * 8, 8)
    return at


@kernel
def pack(u: UserArrays, slots: I32, out: U8, ends: I64) -> None:
    """`out[ends[i]:ends[i + 1]]` becomes the row of `slots[i]`; `out` has ROW_BYTES_MAX per slot, or knows better."""
    at = 0
    ends[0] = 0
    for i in range(slots.shape[0]):
        s = slots[i]
        start = at
        at = _pack_pure(u, s, out, start + _HEADER)
        pure = at - start - _HEADER
        out[start] = VERSION
        out[start + 1 : start + 4] = 0
        out[start + 1] = u.head[s, history.ALBUM] != 0
        for b in range(4):
            out[start + 4 + b] = (pure >> (8 * b)) & 255
        at = write(out, at, u.head, (s * history.N_HEAD + history.N_SHOWN) * 8, 8)
        at = write(out, at, u.shown, s * history.SHOWN * 8, u.head[s, history.N_SHOWN] * 8)
        at = write(out, at, u.pulse, s * N_PULSE * 4, N_PULSE * 4)
        at = _pack_passed(u, s, out, at)
        ends[i + 1] = at


@kernel
def packed_bytes(u: UserArrays, slots: I32) -> int:
    """Room that `pack` needs, at most."""
    total = 0
    for i in range(slots.shape[0]):
        s = slots[i]
        total += 4100 + (2048 if u.head[s, history.TIER_2] > 0 else 0) + (16384 if u.head[s, history.TIER_3] > 0 else 0)
        total += 2048 if u.head[s, history.HIDDEN] > 0 else 0
    return total


@kernel
def unpack(u: UserArrays, s: int, data: U8) -> bool:
    """Read a row into slot `s`; False when it is not one of ours."""
    history.reset(u, s)
    if data.shape[0] < _HEADER + history.N_PURE * 8 or not WITHOUT_PASSED <= data[0] <= VERSION:
        return False
    h = u.head
    at = read(h, s * history.N_HEAD * 8, data, _HEADER, history.N_PURE * 8)
    n = h[s, history.N_HISTORY]
    at = read(u.track, s * history.HISTORY * 8, data, at, n * 8)
    at = read(u.at_s, s * history.HISTORY * 4, data, at, n * 4)
    at = read(u.event, s * history.HISTORY * 4, data, at, n * 4)
    at = read(u.flags, s * history.HISTORY, data, at, n)
    at = read(u.event_ids, s * history.EVENT_IDS * 8, data, at, _ring(h[s, history.N_EVENT_IDS], history.EVENT_IDS) * 8)
    at = read(u.imports, s * history.IMPORTS * 16, data, at, _ring(h[s, history.N_IMPORTS], history.IMPORTS) * 16)
    at = _unpack_marks(u, s, h[s, history.N_MARKS], data, at)
    at = _unpack_played(u, s, n, data, at)
    if h[s, history.N_HIDDEN] > 0:
        h[s, history.HIDDEN] = u.free_2[u.free_2[0]]
        u.free_2[0] -= 1
        at = read(u.tier_2, h[s, history.HIDDEN] * 2048, data, at, 2048)
    if data[1] != 0:
        at = read(h, (s * history.N_HEAD + history.ALBUM) * 8, data, at, 8)
    at = read(h, (s * history.N_HEAD + history.N_SHOWN) * 8, data, at, 8)
    at = read(u.shown, s * history.SHOWN * 8, data, at, h[s, history.N_SHOWN] * 8)
    at = read(u.pulse, s * N_PULSE * 4, data, at, N_PULSE * 4)
    if data[0] == VERSION:
        at = _unpack_passed(u, s, data, at)
    return at == data.shape[0]


def pure_part(row: bytes) -> bytes:
    """The bytes that are a function of the log alone."""
    return row[_HEADER : _HEADER + int.from_bytes(row[4:8], "little")]


class BadRow(Exception):
    """A row in Redis that this release cannot read: name the key, stop, see operations.md."""


class UserRows:
    """Rows of the users of all owned partitions; the least recently used give way."""

    def __init__(self, rows_max: int) -> None:
        self.rows_max = rows_max
        self.arrays = new_users(rows_max, max(16, rows_max // 8), max(4, rows_max // 128))
        self.slot_of: dict[str, int] = {}
        self._user_of: list[str | None] = [None] * rows_max
        self._partition = np.full(rows_max, -1, np.int32)
        self.touched = np.zeros(rows_max, np.int64)
        self.mark = np.zeros(rows_max, np.int64)
        self._free = list(range(rows_max - 1, -1, -1))
        self._packed: U8 = np.empty(0, np.uint8)

    def __len__(self) -> int:
        return len(self.slot_of)

    def slots(self, users: list[str]) -> I32:
        """Slots of users that are all in memory (n,)."""
        slot_of = self.slot_of
        return np.array([slot_of[u] for u in users], np.int32)

    def find(self, users: Collection[str]) -> I32:
        """Slots of users (n,); -1 where one is not in memory."""
        return np.fromiter(map(self.slot_of.get, users, repeat(-1)), np.int32, len(users))

    def last_tracks(self, slots: I32) -> I64:
        """Hash of the last track of each of `slots` (n,); 0 where there is none, or it was forgotten, and for slot -1."""
        a = self.arrays
        n = a.head[slots, history.N_HISTORY]
        there = (slots >= 0) & (n > 0) & (a.head[slots, history.LAST_FORGOTTEN] == 0)
        return np.where(there, a.track[slots, np.maximum(n - 1, 0)], 0)

    def missing(self, users: Iterable[str]) -> list[str]:
        """Those of `users` that are not in memory, once each, in order."""
        slot_of = self.slot_of
        return list(dict.fromkeys(u for u in users if u not in slot_of))

    def touch(self, slots: I32, round_n: int) -> None:
        """These are needed in `round_n` (-1 = not in memory): they do not give way."""
        self.touched[slots[slots >= 0]] = round_n

    def make_room(self, n: int, round_n: int, n_users: int) -> None:
        """`n` more rows will fit, and each of `n_users` may open one tier of each kind, and a filter; rows touched in `round_n` stay."""
        self._make_tiers(n_users)
        if len(self._free) >= n:
            return
        used = np.flatnonzero((self._partition >= 0) & (self.touched < round_n))
        n_out = min(len(used), max(n, self.rows_max // 16))
        assert len(self._free) + n_out >= n, "user_rows_max must hold one round"
        oldest = used if n_out == len(used) else used[np.argpartition(self.touched[used], n_out - 1)[:n_out]]
        for slot in oldest.tolist():
            self._drop(slot)

    def _make_tiers(self, n: int) -> None:
        a = self.arrays
        if a.free_2[0] >= 2 * n and a.free_3[0] >= n:
            return
        more_2, more_3 = max(2 * n, len(a.tier_2)), max(n, len(a.tier_3))
        self.arrays = a._replace(
            tier_2=np.concatenate((a.tier_2, np.zeros((more_2, a.tier_2.shape[1]), np.int64))),
            tier_3=np.concatenate((a.tier_3, np.zeros((more_3, a.tier_3.shape[1]), np.int64))),
            free_2=_more_free(a.free_2, len(a.tier_2), more_2),
            free_3=_more_free(a.free_3, len(a.tier_3), more_3),
        )

    def load(self, user: str, partition: int, row: bytes | None) -> None:
        """Take a row in (None = a user who never did anything). Raises `BadRow`."""
        slot = self._free.pop()
        if row is None:
            history.reset(self.arrays, slot)
        elif not unpack(self.arrays, slot, np.frombuffer(row, np.uint8)):
            self._free.append(slot)
            raise BadRow(f"the row of user {user!r} (partition {partition}) is not a version-{VERSION} row; see operations.md, 'bad row'")
        self.slot_of[user] = slot
        self._user_of[slot] = user
        self._partition[slot] = partition
        self.touched[slot] = 0

    def drop_partition(self, partition: int) -> None:
        """Forget every row of a partition."""
        for slot in np.flatnonzero(self._partition == partition).tolist():
            self._drop(slot)

    def _drop(self, slot: int) -> None:
        user = self._user_of[slot]
        assert user is not None, "a used slot has a user"
        history.reset(self.arrays, slot)
        del self.slot_of[user]
        self._user_of[slot] = None
        self._partition[slot] = -1
        self._free.append(slot)

    def encode(self, slots: I32) -> list[bytes]:
        """The binary rows of `slots` (n,)."""
        room = packed_bytes(self.arrays, slots)
        if len(self._packed) < room:
            self._packed = np.empty(room, np.uint8)  # kept: fresh pages cost more than the rows
        out = self._packed
        ends = np.empty(len(slots) + 1, np.int64)
        pack(self.arrays, slots, out, ends)
        data, cut = out[: ends[-1]].tobytes(), ends.tolist()
        return [data[cut[i] : cut[i + 1]] for i in range(len(slots))]


def _more_free(free: I64, first: int, more: int) -> I64:
    held = free[1 : free[0] + 1]
    new = np.concatenate(([free[0] + more], held, np.arange(first, first + more))).astype(np.int64)
    return np.concatenate((new, np.zeros(first + more + 1 - len(new), np.int64)))
