"""Tracks' rows: in memory one slot each, in Redis the binary field `row`.

Layout of `row`, little endian:

| bytes | what |
|---|---|
| 1 | version, 1 |
| 7 | zero |
| 64 | 8 x i64: plays, skips, finishes, transitions, sum of weights, n entries, time of `popular` (s), length (s, 0 = unknown) |
| 8 | f64: decayed plays at that time |
| 20 n | n x u64 follower's hash, n x i32 weight, n x i32 transitions, n x u32 newest time (s); strongest first |
"""

from __future__ import annotations

import numpy as np

from online_models import covisits
from online_models.arrays import I32, I64, U8
from online_models.bytes_copy import read, write
from online_models.covisits import ENTRIES, N_ENTRIES, N_HEAD, TrackArrays, new_tracks
from online_models.hashmap import find_many, new_map, put, remove
from online_models.kernel import kernel
from streams.user_rows import BadRow

VERSION = 1
_FIXED = 8 + N_HEAD * 8 + 8
ROW_BYTES_MAX = _FIXED + 20 * ENTRIES

OWN = -1
"""`loaded_ms` of a row that this worker owns: it is never too old."""


@kernel
def pack(t: TrackArrays, slots: I32, out: U8, ends: I64) -> None:
    """`out[ends[i]:ends[i + 1]]` becomes the row of `slots[i]`; `out` has ROW_BYTES_MAX per slot."""
    at = 0
    ends[0] = 0
    for i in range(slots.shape[0]):
        s = slots[i]
        n = t.head[s, N_ENTRIES]
        out[at] = VERSION
        out[at + 1 : at + 8] = 0
        at = write(out, at + 8, t.head, s * N_HEAD * 8, N_HEAD * 8)
        at = write(out, at, t.popular, s * 8, 8)
        at = write(out, at, t.dst, s * ENTRIES * 8, n * 8)
        at = write(out, at, t.weight, s * ENTRIES * 4, n * 4)
        at = write(out, at, t.times, s * ENTRIES * 4, n * 4)
        at = write(out, at, t.at_s, s * ENTRIES * 4, n * 4)
        ends[i + 1] = at


@kernel
def unpack(t: TrackArrays, s: int, data: U8) -> bool:
    """Read a row into slot `s`; False when it is not one of ours."""
    covisits.reset(t, s)
    if data.shape[0] < _FIXED or data[0] != VERSION:
        return False
    at = read(t.head, s * N_HEAD * 8, data, 8, N_HEAD * 8)
    at = read(t.popular, s * 8, data, at, 8)
    n = t.head[s, N_ENTRIES]
    if n < 0 or n > ENTRIES or data.shape[0] != _FIXED + 20 * n:
        return False
    at = read(t.dst, s * ENTRIES * 8, data, at, n * 8)
    at = read(t.weight, s * ENTRIES * 4, data, at, n * 4)
    at = read(t.times, s * ENTRIES * 4, data, at, n * 4)
    read(t.at_s, s * ENTRIES * 4, data, at, n * 4)
    covisits.note_counts(t, s)
    return True


class TrackRows:
    """Rows of owned tracks (kept until they are written) and copies of others' (read again when old)."""

    def __init__(self, rows_max: int) -> None:
        self.rows_max = rows_max
        keys, slots = new_map(rows_max)
        self.arrays = new_tracks(rows_max, keys, slots)
        self.hash_of: I64 = np.zeros(rows_max, np.int64)
        self.loaded_ms: I64 = np.zeros(rows_max, np.int64)
        self.touched: I64 = np.zeros(rows_max, np.int64)
        self.partition: I32 = np.full(rows_max, -1, np.int32)
        self.dirty = np.zeros(rows_max, np.bool_)
        self.name_of: list[str | None] = [None] * rows_max
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

    def load(self, track: int, partition: int, name: str | None, row: bytes | None, loaded_ms: int) -> None:
        """Take a row in, over an older copy if there is one (None = nobody played it). Raises `BadRow`."""
        slot = int(self.slots(np.array([track], np.int64))[0])
        if slot < 0:
            slot = self._free.pop()
            put(self.arrays.map_keys, self.arrays.map_slots, track, slot)
        self.hash_of[slot] = track
        self.partition[slot] = partition
        self.name_of[slot] = name
        self.loaded_ms[slot] = loaded_ms
        if row is None:
            covisits.reset(self.arrays, slot)
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

    def followers(self, slots: I32) -> I64:
        """All hashes in the next-tables of `slots` (n,)."""
        held = np.arange(ENTRIES) < self.arrays.head[slots, N_ENTRIES][:, None]
        hashes: I64 = self.arrays.dst[slots][held]
        return hashes

    def named(self, slot: int) -> str:
        """Id of the track in a slot that this worker owns."""
        name = self.name_of[slot]
        assert name is not None, f"track {self.hash_of[slot]:x} has a row and no name"
        return name

    def dirty_slots(self, partition: int) -> I32:
        """Rows of a partition that changed since they were last written, and can be.

        A row without a name cannot: its count was lost in a gap, or Redis went back behind our cursor, which the fence will
        tell. Who it is comes with its next count.
        """
        slots = np.flatnonzero(self.dirty & (self.partition == partition)).tolist()
        return np.array([slot for slot in slots if self.name_of[slot] is not None], np.int32)

    def encode(self, slots: I32) -> list[bytes]:
        """The binary rows of `slots` (n,)."""
        out = np.empty(len(slots) * ROW_BYTES_MAX, np.uint8)
        ends = np.empty(len(slots) + 1, np.int64)
        pack(self.arrays, slots, out, ends)
        data, cut = out[: ends[-1]].tobytes(), ends.tolist()
        return [data[cut[i] : cut[i + 1]] for i in range(len(slots))]
