"""Plays in, taught models out: the play counts of one stream of plays as a pure fold.

Per play, in this order: what has ripened is taught; the play counts for questions that wait; it becomes part of the
listener's past; and, where the caller says so, the next question is asked about the user's newest tracks. So no question is
answered with a model that knows its label.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Self

import msgspec
import numpy as np

from online_models.arrays import F32, F64, I64
from online_models.counts.features import N_FEATURES, fill
from online_models.counts.listener import LAST_AT, NONE, TRACKS, Listeners, hear, new_listeners
from online_models.counts.pending import CAPACITY, N_HORIZONS, Pending, Ripe
from online_models.counts.regression import CountModel, expect
from online_models.kernel import kernel
from online_models.model import BadSnapshot
from online_models.parts import under

ROWS_MIN: Final = 64
"""Rows that a fold begins with; they double."""
_PER_USER: Final = ("head", "at_ms", "last")
"""Arrays with one row per user; the others have one place per slot, and are written where the slot is taken."""


@kernel
def _question(users: Listeners, u: int, now_ms: int, tracks: I64, x: F32) -> int:
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
    users: list[int]
    """By row, 0 and following; NONE where nobody is."""
    free: list[int]


class CountFold:
    """How often users will play their newest tracks again, learned from their plays.

    Users and tracks are any integers but NONE.

    Parameters
    ----------
    capacity: rows that may wait for their labels at once.
    models: one per horizon, when they are taught by several folds.
    """

    def __init__(self, capacity: int = CAPACITY, models: tuple[CountModel, ...] | None = None) -> None:
        self.models = models if models is not None else tuple(CountModel() for _ in range(N_HORIZONS))
        """One per horizon."""
        self.pending = Pending(capacity)
        self.clock_ms = 0
        """The newest event time seen."""
        self._row_of: dict[int, int] = {}
        self._names: list[int] = []
        self._free: list[int] = []
        self._users = new_listeners(ROWS_MIN)
        self._tracks: I64 = np.zeros(TRACKS, np.int64)
        self._x: F32 = np.zeros((TRACKS, N_FEATURES), np.float32)
        self._said: F64 = np.zeros((TRACKS, N_HORIZONS))

    def play_one(self, user: int, track: int, at_ms: int, *, ask: bool, weight: float = 1.0) -> list[Ripe]:
        """Learn from a play, and `ask` what will be played again; returns the questions that it ripened.

        A play older than its user's last one counts for the questions that its own time belongs to, joins its user's past at the
        end, and asks nothing. `weight` is that of the lessons that the question becomes.
        """
        u = self._row(user)
        # Not the clock: users' plays come when they end, so that those of two users seldom come in the order of their beginnings.
        now_ms = max(at_ms, int(self._users.at_ms[u, LAST_AT]))
        self.clock_ms = max(self.clock_ms, at_ms)
        ripe = self.pending.ripe(self.clock_ms)
        for found in ripe:
            self.models[found.horizon].learn_many(found.x, found.plays, found.weight)
        self.pending.count(user, track, at_ms)
        hear(self._users, u, track, now_ms)
        if ask and now_ms == at_ms:
            n = self._ask(u, now_ms)
            self.pending.ask(user, self._tracks[:n], self._x[:n], self._said[:n], now_ms, weight)
        return ripe

    def expect(self, user: int, now_ms: int) -> tuple[I64, F64]:
        """The newest tracks (k,) of a user, and the plays (k, N_HORIZONS) to expect of each from `now_ms` on; a read."""
        u = self._row_of.get(user)
        if u is None:
            return np.zeros(0, np.int64), np.zeros((0, N_HORIZONS))
        n = self._ask(u, now_ms)
        return self._tracks[:n].copy(), self._said[:n].copy()

    def forget(self, user: int) -> None:
        """As if the user had never played; what their plays taught stays."""
        self.pending.forget(user)
        u = self._row_of.pop(user, None)
        if u is not None:
            for name, fresh in new_listeners(1)._asdict().items():
                getattr(self._users, name)[u] = fresh[0]
            self._names[u] = NONE
            self._free.append(u)

    def _ask(self, u: int, now_ms: int) -> int:
        n = _question(self._users, u, now_ms, self._tracks, self._x)
        for h, model in enumerate(self.models):
            _answer(model._weights, self._x, n, self._said, h)
        return n

    def _row(self, user: int) -> int:
        """The user's row; a new one for who has none."""
        found = self._row_of.get(user)
        if found is not None:
            return found
        if self._free:
            u = self._free.pop()
            self._names[u] = user
        else:
            u = len(self._names)
            self._names.append(user)
            if u == len(self._users.last):
                self._grow()
        self._row_of[user] = u
        return u

    def _grow(self) -> None:
        fresh = new_listeners(2 * len(self._users.last))
        for name, old in self._users._asdict().items():
            getattr(fresh, name)[: len(old)] = old
        self._users = fresh

    def snapshot(self) -> dict[str, bytes]:
        """Named parts, plain data: JSON and little-endian arrays. Same state, same bytes."""
        parts = self.people()
        for h, model in enumerate(self.models):
            parts |= {f"model-{h}/{name}": part for name, part in model.snapshot().items()}
        return parts

    def people(self) -> dict[str, bytes]:
        """The snapshot without the models."""
        n = len(self._names)
        taken = self._users.track[:n] != NONE
        parts = {"meta": msgspec.json.encode(_Meta(self.clock_ms, self._names, self._free)), "taken": np.packbits(taken).tobytes()}
        for name, array in self._users._asdict().items():
            parts[f"users/{name}"] = (array[:n] if name in _PER_USER else array[:n][taken]).tobytes()
        return parts | {f"pending/{name}": part for name, part in self.pending.snapshot().items()}

    @classmethod
    def restore(cls, parts: Mapping[str, bytes], models: tuple[CountModel, ...] | None = None) -> Self:
        """The fold that made `parts`: it goes on bit-equally. Raises `BadSnapshot` when they do not fit together.

        `models`: those of several folds; None = they are among the parts.
        """
        if models is None:
            models = tuple(CountModel.restore(under(f"model-{h}/", parts)) for h in range(N_HORIZONS))
        fold = cls(0, models)
        try:
            fold._take(msgspec.json.decode(parts["meta"], type=_Meta), parts)
        except (msgspec.MsgspecError, LookupError, ValueError) as error:
            raise BadSnapshot(f"parts do not fit together: {error!r}") from error
        fold.pending = Pending.restore(under("pending/", parts))
        return fold

    def _take(self, meta: _Meta, parts: Mapping[str, bytes]) -> None:
        n = len(meta.users)
        bits = np.frombuffer(parts["taken"], np.uint8)
        if len(bits) != -(-n * TRACKS // 8):
            raise ValueError(f"{len(bits)} bytes do not say which of {n * TRACKS} slots are taken")
        taken = np.unpackbits(bits, count=n * TRACKS).reshape(n, TRACKS).astype(bool)
        while len(self._users.last) < n:
            self._grow()
        for name, array in self._users._asdict().items():
            found = np.frombuffer(parts[f"users/{name}"], array.dtype)
            if name in _PER_USER:
                array[:n] = found.reshape(n, *array.shape[1:])
            elif len(found) == np.count_nonzero(taken):
                array[:n][taken] = found
            else:
                raise ValueError(f"{len(found)} values of {name} do not fill {np.count_nonzero(taken)} slots")
        free = set(meta.free)
        self.clock_ms, self._names, self._free = meta.clock_ms, meta.users, meta.free
        self._row_of = {user: u for u, user in enumerate(meta.users) if u not in free}
