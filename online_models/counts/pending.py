"""Questions whose answer is not known yet: they wait until event time has passed their horizon.

A ring of rows in order of asking; each user's rows are chained, so that a play finds those it counts for. The queue is
bounded: when it is full, a question is not asked, and counted. Everything is a function of the calls, so a restored
queue teaches each question once, as the undisturbed one does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple, Self

import msgspec
import numpy as np

from online_models.arrays import F32, F64, I64
from online_models.counts.features import N_FEATURES
from online_models.kernel import kernel
from online_models.model import BadSnapshot

DAY_MS: Final = 86_400_000
HORIZONS_MS: Final = (7 * DAY_MS, 30 * DAY_MS)
"""A question is about each of these times from the moment of asking, ascending."""
N_HORIZONS: Final = len(HORIZONS_MS)
CAPACITY: Final = 50_000
"""Rows by default: 8.0 MB, a month of a hundred questions of 16 tracks a day."""
NONE: Final = -1

_ROW: Final = np.dtype(
    [
        ("user", "<i8"),
        ("track", "<i8"),
        ("asked_ms", "<i8"),
        ("back", "<i8"),
        ("x", "<f4", (N_FEATURES,)),
        ("said", "<f8", (N_HORIZONS,)),
        ("plays", "<f8", (N_HORIZONS,)),
        ("weight", "<f8"),
    ]
)
"""A row as it is written to a snapshot."""


class Rows(NamedTuple):
    """The ring; row number `i` (from 0, for ever) stands at `i % capacity`."""

    user: I64  # (capacity,) NONE = forgotten: the row teaches nothing
    track: I64  # (capacity,)
    asked_ms: I64  # (capacity,)
    back: I64  # (capacity,) number of the same user's row before, NONE = none
    x: F32  # (capacity, N_FEATURES)
    said: F64  # (capacity, N_HORIZONS) what was expected
    plays: F64  # (capacity, N_HORIZONS) plays since then, within each horizon
    weight: F64  # (capacity,) of the lesson that it becomes


class Ripe(NamedTuple):
    """Questions (k,) whose days are over."""

    horizon: int
    """Which of HORIZONS_MS."""
    first: int
    """Number of the first; they are numbered in order of asking."""
    user: I64
    track: I64
    asked_ms: I64
    x: F32  # (k, N_FEATURES)
    said: F64  # (k,)
    plays: F64  # (k,)
    weight: F64  # (k,)


@kernel
def _count(rows: Rows, row: int, first: int, track: int, at_ms: int) -> None:
    """Walk a user's chain from its newest `row` and count a play where it belongs."""
    capacity = rows.user.shape[0]
    while row >= first:
        i = row % capacity
        if rows.track[i] == track:
            since_ms = at_ms - rows.asked_ms[i]
            for h in range(N_HORIZONS):
                if 0 <= since_ms <= HORIZONS_MS[h]:
                    rows.plays[i, h] += 1.0
        row = rows.back[i]


class _Meta(msgspec.Struct, frozen=True):
    """The snapshot's part "meta", field for field."""

    capacity: int
    first: int
    n_asked: int
    ripened: list[int]
    n_left_out: int


class Pending:
    """The queue.

    Parameters
    ----------
    capacity: rows that may wait at once.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.capacity = capacity
        shapes: dict[str, tuple[int, ...]] = {"x": (N_FEATURES,), "said": (N_HORIZONS,), "plays": (N_HORIZONS,)}
        self._rows = Rows(**{name: np.zeros((capacity, *shapes.get(name, ())), _ROW[name].base) for name in Rows._fields})
        self._newest: dict[int, int] = {}
        self.ripened = [0] * N_HORIZONS
        """Per horizon, number of the first row that it has not ripened for."""
        self.n_asked = 0
        """Rows asked since the beginning; the next one's number."""
        self.n_left_out = 0
        """Rows that were not asked, because the queue was full."""

    @property
    def first(self) -> int:
        """Number of the oldest row that waits; `n_asked` when none does."""
        return self.ripened[-1]

    @property
    def n_waiting(self) -> int:
        """Rows that wait for their longest horizon."""
        return self.n_asked - self.first

    def ask(self, user: int, tracks: I64, x: F32, said: F64, at_ms: int, weight: float = 1.0) -> bool:
        """Keep a question about `tracks` (k,) until its answer is known; one from before the last question ripens with that one.

        False: there is no room for all of them, none was kept.
        """
        k = len(tracks)
        if self.n_waiting + k > self.capacity:
            self.n_left_out += k
            return False
        numbers = np.arange(self.n_asked, self.n_asked + k)
        at, rows = numbers % self.capacity, self._rows
        rows.user[at], rows.track[at], rows.asked_ms[at] = user, tracks, at_ms
        rows.x[at], rows.said[at], rows.plays[at], rows.weight[at] = x, said, 0.0, weight
        rows.back[at] = numbers - 1
        rows.back[at[:1]] = self._newest.get(user, NONE)
        if k:
            self._newest[user] = self.n_asked + k - 1
        self.n_asked += k
        return True

    def count(self, user: int, track: int, at_ms: int) -> None:
        """A play: it counts for questions that were asked before it and whose horizon reaches it."""
        newest = self._newest.get(user, NONE)
        if newest != NONE:
            _count(self._rows, newest, self.first, track, at_ms)

    def ripe(self, now_ms: int) -> list[Ripe]:
        """Take out what no play from `now_ms` on can change, by horizon, in order of asking; none is given out twice."""
        return [found for h in range(N_HORIZONS) if (found := self._ripe(h, now_ms)) is not None]

    def _ripe(self, h: int, now_ms: int) -> Ripe | None:
        first, end, rows = self.ripened[h], self.ripened[h], self._rows
        while end < self.n_asked and rows.asked_ms[end % self.capacity] + HORIZONS_MS[h] < now_ms:
            end += 1
        if end == first:
            return None
        at = np.arange(first, end) % self.capacity
        at = at[rows.user[at] != NONE]
        if h == N_HORIZONS - 1:
            self._unchain(rows.user[at], end)
        self.ripened[h] = end
        columns = (rows.user[at], rows.track[at], rows.asked_ms[at], rows.x[at], rows.said[at, h], rows.plays[at, h], rows.weight[at])
        return Ripe(h, first, *columns)

    def _unchain(self, users: I64, end: int) -> None:
        """Rows below number `end` are over: who of `users` (k,) has no newer one is not kept."""
        for user in dict.fromkeys(users.tolist()):
            if self._newest[user] < end:
                del self._newest[user]

    def forget(self, user: int) -> None:
        """The user's rows teach nothing: their labels will never be known."""
        row = self._newest.pop(user, NONE)
        while row >= self.first:
            i = row % self.capacity
            row = int(self._rows.back[i])
            self._rows.user[i] = NONE

    def snapshot(self) -> dict[str, bytes]:
        """Parts "meta" (JSON) and "rows": those that wait, 160 bytes each."""
        at = np.arange(self.first, self.n_asked) % self.capacity
        rows = np.zeros(len(at), _ROW)
        for name in Rows._fields:
            rows[name] = getattr(self._rows, name)[at]
        rows["back"] = np.where(rows["back"] < self.first, NONE, rows["back"])
        meta = _Meta(self.capacity, self.first, self.n_asked, self.ripened, self.n_left_out)
        return {"meta": msgspec.json.encode(meta), "rows": rows.tobytes()}

    @classmethod
    def restore(cls, parts: Mapping[str, bytes]) -> Self:
        """The queue that made `parts`. Raises `BadSnapshot` when they do not fit together."""
        try:
            meta = msgspec.json.decode(parts["meta"], type=_Meta)
            rows = np.frombuffer(parts["rows"], _ROW)
        except (msgspec.MsgspecError, LookupError, ValueError) as error:
            raise BadSnapshot(f"parts do not fit together: {error!r}") from error
        end = meta.first + len(rows)
        fits = len(meta.ripened) == N_HORIZONS and all(meta.first <= n <= end for n in meta.ripened)
        if not fits or end != meta.n_asked or len(rows) > meta.capacity:
            raise BadSnapshot(f"{len(rows)} rows from number {meta.first} on do not fit {meta.ripened}")
        queue = cls(meta.capacity)
        numbers = np.arange(meta.first, end)
        for name in Rows._fields:
            getattr(queue._rows, name)[numbers % meta.capacity] = rows[name]
        queue._newest = {user: number for user, number in zip(rows["user"].tolist(), numbers.tolist(), strict=True) if user != NONE}
        queue.ripened, queue.n_asked, queue.n_left_out = list(meta.ripened), end, meta.n_left_out
        return queue
