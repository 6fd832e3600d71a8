"""Tracks' rows: in memory one slot each, in Redis the binary field `row`.

Layout of `row`, little endian:

| bytes | what |
|---|---|
| 1 | version, 4 |
| 1 | zero |
| 2 | l listeners |
| 2 | n neighbours |
| 2 | v visits |
| 64 | 8 x i64: plays, skips, finishes, transitions after it, transitions before it, time of `popular` (s), length (s, 0 = unknown), |
| | hash of its artist (0 = no play said it) |
| 8 | f64: decayed plays at that time |
| 32 | 8 x f32: sums over all neighbours ever, by kind (`online_models/neighbours.py`) |
| 256 | 64 x f32: the track's vector |
| 48 n | n x u64 neighbour's hash, n x 8 x f32 counts, n x u32 newest time right after it (s), n x u32 who; strongest first |
| 24 v | v x u32 session, v x 10 x u16 what it played next; oldest first |
| 2 l | l x u16 tags of its last listeners; oldest first |

An artist's row, and an album's, has the same layout: its plays, and as neighbours the tracks that are theirs; the rest is zero.
"""

from __future__ import annotations

import numpy as np

from online_models import track_state
from online_models.arrays import I32, I64, U8
from online_models.bytes_copy import read, write
from online_models.hashmap import find_many, new_map, put, remove
from online_models.items import OF_TRACK, WINDOW
from online_models.kernel import kernel
from online_models.neighbours import N_COUNTS
from online_models.presets import Preset
from online_models.track_state import ARTIST, N_HEAD, TrackArrays, new_tracks
from online_models.vectors import DIMENSIONS
from streams.user_rows import BadRow

VERSION = 4
_FIXED = 8 + N_HEAD * 8 + 8 + N_COUNTS * 4 + DIMENSIONS * 4
_NEIGHBOUR = 8 + 4 * N_COUNTS + 4 + 4
_AFTER = 2 * WINDOW
_VISIT = 4 + _AFTER
_LISTENER = 2

OWN = -1
"""`loaded_ms` of a row that this worker owns: it is never too old."""


@kernel
def _pack_neighbours(t: TrackArrays, s: int, n: int, out: U8, at: int) -> int:
    row, entries = t.neighbours, t.neighbours.dst.shape[1]
    at = write(out, at, row.dst, s * entries * 8, n * 8)
    at = write(out, at, row.counts, s * entries * N_COUNTS * 4, n * N_COUNTS * 4)
    at = write(out, at, row.at_s, s * entries * 4, n * 4)
    return write(out, at, row.person, s * entries * 4, n * 4)


@kernel
def _pack_visits(t: TrackArrays, s: int, n: int, out: U8, at: int) -> int:
    visits, length = t.visits, t.visits.tag.shape[1]
    first = visits.n[s] - n
    for k in range(n):
        at = write(out, at, visits.tag, (s * length + (first + k) % length) * 4, 4)
    for k in range(n):
        at = write(out, at, visits.after, (s * length + (first + k) % length) * _AFTER, _AFTER)
    return at


@kernel
def _pack_listeners(t: TrackArrays, s: int, n: int, out: U8, at: int) -> int:
    listeners, length = t.listeners, t.listeners.tag.shape[1]
    first = listeners.n[s] - n
    for k in range(n):
        at = write(out, at, listeners.tag, (s * length + (first + k) % length) * _LISTENER, _LISTENER)
    return at


@kernel
def _put_short(out: U8, at: int, value: int) -> None:
    out[at] = value & 255
    out[at + 1] = value >> 8


@kernel
def _short(data: U8, at: int) -> int:
    return np.int64(data[at]) | np.int64(data[at + 1]) << 8  # type: ignore[return-value]


@kernel
def pack(t: TrackArrays, slots: I32, out: U8, ends: I64) -> None:
    """`out[ends[i]:ends[i + 1]]` becomes the row of `slots[i]`; `out` has `row_bytes_max` per slot."""
    at = 0
    ends[0] = 0
    for i in range(slots.shape[0]):
        s = slots[i]
        n, v = t.neighbours.n[s], min(t.visits.n[s], t.visits.tag.shape[1])
        people = min(t.listeners.n[s], t.listeners.tag.shape[1])
        out[at] = VERSION
        out[at + 1] = 0
        _put_short(out, at + 2, people)
        _put_short(out, at + 4, n)
        _put_short(out, at + 6, v)
        at = write(out, at + 8, t.head, s * N_HEAD * 8, N_HEAD * 8)
        at = write(out, at, t.popular, s * 8, 8)
        at = write(out, at, t.neighbours.total, s * N_COUNTS * 4, N_COUNTS * 4)
        at = write(out, at, t.vectors, s * DIMENSIONS * 4, DIMENSIONS * 4)
        at = _pack_neighbours(t, s, n, out, at)
        at = _pack_visits(t, s, v, out, at)
        at = _pack_listeners(t, s, people, out, at)
        ends[i + 1] = at


@kernel
def _unpack_neighbours(t: TrackArrays, s: int, n: int, data: U8, at: int) -> int:
    """The strongest, as many as there is room for."""
    row, entries = t.neighbours, t.neighbours.dst.shape[1]
    held = min(n, entries)
    row.n[s] = held
    read(row.dst, s * entries * 8, data, at, held * 8)
    at += n * 8
    read(row.counts, s * entries * N_COUNTS * 4, data, at, held * N_COUNTS * 4)
    at += n * N_COUNTS * 4
    read(row.at_s, s * entries * 4, data, at, held * 4)
    at += n * 4
    read(row.person, s * entries * 4, data, at, held * 4)
    return at + n * 4


@kernel
def _unpack_visits(t: TrackArrays, s: int, n: int, data: U8, at: int) -> int:
    """The newest, as many as there is room for."""
    visits, length = t.visits, t.visits.tag.shape[1]
    held = min(n, length)
    visits.n[s] = held
    read(visits.tag, s * length * 4, data, at + (n - held) * 4, held * 4)
    at += n * 4
    read(visits.after, s * length * _AFTER, data, at + (n - held) * _AFTER, held * _AFTER)
    return at + n * _AFTER


@kernel
def _unpack_listeners(t: TrackArrays, s: int, n: int, data: U8, at: int) -> None:
    """The newest, as many as there is room for."""
    listeners, length = t.listeners, t.listeners.tag.shape[1]
    held = min(n, length)
    listeners.n[s] = held
    read(listeners.tag, s * length * _LISTENER, data, at + (n - held) * _LISTENER, held * _LISTENER)


@kernel
def unpack(t: TrackArrays, s: int, data: U8) -> bool:
    """Read a row into slot `s`; False when it is not one of ours."""
    track_state.reset(t, s)
    if data.shape[0] < _FIXED or data[0] != VERSION:
        return False
    people, n, v = _short(data, 2), _short(data, 4), _short(data, 6)
    if data.shape[0] != _FIXED + _NEIGHBOUR * n + _VISIT * v + _LISTENER * people:
        return False
    at = read(t.head, s * N_HEAD * 8, data, 8, N_HEAD * 8)
    at = read(t.popular, s * 8, data, at, 8)
    at = read(t.neighbours.total, s * N_COUNTS * 4, data, at, N_COUNTS * 4)
    at = read(t.vectors, s * DIMENSIONS * 4, data, at, DIMENSIONS * 4)
    at = _unpack_neighbours(t, s, n, data, at)
    at = _unpack_visits(t, s, v, data, at)
    _unpack_listeners(t, s, people, data, at)
    track_state.note_counts(t, s)
    t.n_made[0] += t.head[s, ARTIST] != 0
    return True


class TrackRows:
    """Rows of owned tracks (kept until they are written) and copies of others' (read again when old)."""

    def __init__(self, rows_max: int, preset: Preset) -> None:
        self.rows_max = rows_max
        keys, slots = new_map(rows_max)
        self.arrays = new_tracks(rows_max, keys, slots, preset.neighbours, preset.visits, preset.listeners)
        self._row_bytes_max = _FIXED + _NEIGHBOUR * preset.neighbours + _VISIT * preset.visits + _LISTENER * preset.listeners
        self.hash_of: I64 = np.zeros(rows_max, np.int64)
        self.loaded_ms: I64 = np.zeros(rows_max, np.int64)
        self.touched: I64 = np.zeros(rows_max, np.int64)
        self.partition: I32 = np.full(rows_max, -1, np.int32)
        self.dirty = np.zeros(rows_max, np.bool_)
        self.name_of: list[str | None] = [None] * rows_max
        self.whose: U8 = np.full(rows_max, OF_TRACK, np.uint8)
        self._free = list(range(rows_max - 1, -1, -1))

    def __len__(self) -> int:
        return self.rows_max - len(self._free)

    def slots(self, tracks: I64) -> I32:
        """Slot of each hash, -1 = not in memory (n,)."""
        out = np.empty(len(tracks), np.int32)
        find_many(self.arrays.map_keys, self.arrays.map_slots, tracks, out)
        return out

    def fits(self, n: int, round_n: int) -> int:
        """How many of `n` more rows fit, if all go that are written and were not touched in `round_n`."""
        n_free = len(self._free)
        return n if n <= n_free else min(n, n_free + len(self._idle(round_n)))

    def release(self, round_n: int) -> None:
        """What was touched in `round_n` may go."""
        self.touched[self.touched == round_n] = round_n - 1

    def _idle(self, round_n: int) -> I64:
        return np.flatnonzero((self.partition >= 0) & ~self.dirty & (self.touched < round_n))

    def make_room(self, n: int, round_n: int) -> None:
        """`n` more rows, as many as `fits` says, will have room; dirty rows and those touched in `round_n` stay."""
        if len(self._free) >= n:
            return
        used = self._idle(round_n)
        n_out = min(len(used), max(n, self.rows_max // 16))
        assert len(self._free) + n_out >= n, "track_rows_max must hold what one record needs"
        oldest = used if n_out == len(used) else used[np.argpartition(self.touched[used], n_out - 1)[:n_out]]
        for slot in oldest.tolist():
            self._drop(slot)

    def load(self, track: int, partition: int, name: str | None, row: bytes | None, loaded_ms: int, whose: int = OF_TRACK) -> None:
        """Take a row in, over an older copy if there is one (None = nobody played it). Only tracks have names here. Raises `BadRow`."""
        slot = int(self.slots(np.array([track], np.int64))[0])
        if slot < 0:
            slot = self._free.pop()
            put(self.arrays.map_keys, self.arrays.map_slots, track, slot)
        self.hash_of[slot] = track
        self.partition[slot] = partition
        self.name_of[slot] = name
        self.whose[slot] = whose
        self.loaded_ms[slot] = loaded_ms
        if row is None:
            track_state.reset(self.arrays, slot)
        elif not unpack(self.arrays, slot, np.frombuffer(row, np.uint8)):
            raise BadRow(f"the row of track {track:x} (partition {partition}) is not a version-{VERSION} row; see operations.md, 'bad row'")

    def drop_partition(self, partition: int) -> None:
        """Forget every row of a tracks' partition, written or not."""
        for slot in np.flatnonzero(self.partition == partition).tolist():
            self._drop(slot)

    def _drop(self, slot: int) -> None:
        remove(self.arrays.map_keys, self.arrays.map_slots, self.hash_of[slot])
        self.partition[slot] = -1
        self.dirty[slot] = False
        self._free.append(slot)

    def neighbours(self, slots: I32) -> I64:
        """All neighbours' hashes in the rows of `slots` (n,)."""
        near = self.arrays.neighbours
        held = np.arange(near.dst.shape[1]) < near.n[slots][:, None]
        hashes: I64 = near.dst[slots][held]
        return hashes

    def named(self, slot: int) -> str:
        """Id of the track in a slot that this worker owns."""
        name = self.name_of[slot]
        assert name is not None, f"track {self.hash_of[slot]:x} has a row and no name"
        return name

    def dirty_slots(self, partition: int) -> I32:
        """Rows of a partition that changed since they were last written, and can be.

        A track's row without a name cannot: its count was lost in a gap, or Redis went back behind our cursor, which the fence
        will tell. Who it is comes with its next count.
        """
        slots = np.flatnonzero(self.dirty & (self.partition == partition)).tolist()
        return np.array([slot for slot in slots if self.whose[slot] != OF_TRACK or self.name_of[slot] is not None], np.int32)

    def encode(self, slots: I32) -> list[bytes]:
        """The binary rows of `slots` (n,)."""
        out = np.empty(len(slots) * self._row_bytes_max, np.uint8)
        ends = np.empty(len(slots) + 1, np.int64)
        pack(self.arrays, slots, out, ends)
        data, cut = out[: ends[-1]].tobytes(), ends.tolist()
        return [data[cut[i] : cut[i + 1]] for i in range(len(slots))]
