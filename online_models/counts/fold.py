"""Plays in, taught models out: the whole of the play counts as one pure fold.

Per play, in this order: what has ripened is taught; the play counts for questions that wait; it becomes part of the
listener's past; and, where the caller says so, the next question is asked about the user's newest tracks. So no question is
answered with a model that knows its label.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Self

import msgspec
import numpy as np

from online_models.arrays import F32, F64, I32
from online_models.counts.features import N_FEATURES, fill
from online_models.counts.listener import NONE, TRACKS, Listeners, hear, new_listeners
from online_models.counts.pending import CAPACITY, N_HORIZONS, Pending, Ripe
from online_models.counts.regression import CountModel, expect
from online_models.kernel import kernel
from online_models.model import BadSnapshot

ROWS_MIN: Final = 64
"""Rows that a fold begins with; they double."""


@kernel
def _question(users: Listeners, u: int, now_ms: int, tracks: I32, x: F32) -> int:
    """Fill `tracks` (TRACKS,) and `x` (TRACKS, N_FEATURES) with the user's newest tracks; how many there are."""
    n = 0
    for k in range(TRACKS):
        if users.track[u, k] != NONE:
            tracks[n] = users.track[u, k]
            fill(x[n], users, u, k, now_ms)
            n += 1
    return n


@kernel
def _answer(weights: F64, x: F32, n: int, said: F64, horizon: int) -> None:
    for i in range(n):
        said[i, horizon] = expect(weights, x[i])


class _Meta(msgspec.Struct, frozen=True):
    """The snapshot's part "meta", field for field."""

    clock_ms: int
    n_users: int
    n_tracks: int


class CountFold:
    """How often users will play their newest tracks again, learned from their plays.

    Users and tracks are codes from 0; rows are made as codes appear.

    Parameters
    ----------
    capacity: rows that may wait for their labels at once.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.models = tuple(CountModel() for _ in range(N_HORIZONS))
        """One per horizon."""
        self.pending = Pending(capacity)
        self.clock_ms = 0
        """The newest event time seen."""
        self._users = new_listeners(ROWS_MIN, ROWS_MIN)
        self._tracks: I32 = np.zeros(TRACKS, np.int32)
        self._x: F32 = np.zeros((TRACKS, N_FEATURES), np.float32)
        self._said: F64 = np.zeros((TRACKS, N_HORIZONS))

    def play_one(self, user: int, track: int, at_ms: int, *, ask: bool) -> list[Ripe]:
        """Learn from a play, and `ask` what will be played again; returns the questions that it ripened.

        A play older than the newest one seen counts for the questions that its own time belongs to, joins its user's past at the
        end, and asks nothing.
        """
        self._grow(user, track)
        late = at_ms < self.clock_ms
        self.clock_ms = max(self.clock_ms, at_ms)
        ripe = self.pending.ripe(self.clock_ms)
        for found in ripe:
            self.models[found.horizon].learn_many(found.x, found.plays)
        self.pending.count(user, track, at_ms)
        hear(self._users, user, track, self.clock_ms)
        if ask and not late:
            n = self._ask(user, self.clock_ms)
            self.pending.ask(user, self._tracks[:n], self._x[:n], self._said[:n], self.clock_ms)
        return ripe

    def expect(self, user: int, now_ms: int) -> tuple[I32, F64]:
        """The newest tracks (k,) of a user, and the plays (k, N_HORIZONS) to expect of each from `now_ms` on; a read."""
        if user >= len(self._users.last):
            return np.zeros(0, np.int32), np.zeros((0, N_HORIZONS))
        n = self._ask(user, now_ms)
        return self._tracks[:n].copy(), self._said[:n].copy()

    def _ask(self, user: int, now_ms: int) -> int:
        n = _question(self._users, user, now_ms, self._tracks, self._x)
        for h, model in enumerate(self.models):
            _answer(model._weights, self._x, n, self._said, h)
        return n

    def _grow(self, user: int, track: int) -> None:
        n_users, n_tracks = len(self._users.last), len(self._users.track_counts)
        if user < n_users and track < n_tracks:
            return
        fresh = new_listeners(_doubled(n_users, user), _doubled(n_tracks, track))
        for name, old in self._users._asdict().items():
            getattr(fresh, name)[: len(old)] = old
        self._users = fresh

    def snapshot(self) -> dict[str, bytes]:
        """Named parts, plain data: JSON and little-endian arrays. Same state, same bytes."""
        meta = _Meta(self.clock_ms, len(self._users.last), len(self._users.track_counts))
        parts = {"meta": msgspec.json.encode(meta)}
        parts |= {f"users/{name}": array.tobytes() for name, array in self._users._asdict().items()}
        parts |= {f"pending/{name}": part for name, part in self.pending.snapshot().items()}
        for h, model in enumerate(self.models):
            parts |= {f"model-{h}/{name}": part for name, part in model.snapshot().items()}
        return parts

    @classmethod
    def restore(cls, parts: Mapping[str, bytes]) -> Self:
        """The fold that made `parts`: it goes on bit-equally. Raises `BadSnapshot` when they do not fit together."""
        fold = cls(0)
        try:
            meta = msgspec.json.decode(parts["meta"], type=_Meta)
            fold._users = new_listeners(meta.n_users, meta.n_tracks)
            for name, array in fold._users._asdict().items():
                array[:] = np.frombuffer(parts[f"users/{name}"], array.dtype).reshape(array.shape)
        except (msgspec.MsgspecError, LookupError, ValueError) as error:
            raise BadSnapshot(f"parts do not fit together: {error!r}") from error
        fold.clock_ms = meta.clock_ms
        fold.pending = Pending.restore(_under("pending/", parts))
        fold.models = tuple(CountModel.restore(_under(f"model-{h}/", parts)) for h in range(N_HORIZONS))
        return fold


def _doubled(n: int, code: int) -> int:
    while n <= code:
        n *= 2
    return n


def _under(prefix: str, parts: Mapping[str, bytes]) -> dict[str, bytes]:
    """The parts below `prefix`, by the rest of their names."""
    return {name.removeprefix(prefix): part for name, part in parts.items() if name.startswith(prefix)}
