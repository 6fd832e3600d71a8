"""What a reader needs of the play counts: weights per horizon, and what they make of a user's past."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec
import numpy as np

from online_models.arrays import F64, I64
from online_models.counts.features import FEATURES, N_FEATURES, fill
from online_models.counts.listener import NONE, Listeners
from online_models.counts.pending import DAY_MS, HORIZONS_MS
from online_models.counts.regression import expect

DAYS: Final = [horizon // DAY_MS for horizon in HORIZONS_MS]


class BadServing(ValueError):
    """The published bytes are no play counts that this build can use."""


class _Wire(msgspec.Struct, frozen=True):
    """The JSON, field for field."""

    version: int
    lessons: int
    features: list[str]
    days: list[int]
    weights: list[list[float]]
    """One row per horizon: expected plays are exp(weights . x)."""


class Served(NamedTuple):
    """One published version."""

    version: int
    lessons: int
    weights: F64  # (horizons, N_FEATURES)

    def expect(self, users: Listeners, u: int, now_ms: int) -> tuple[I64, F64]:
        """The newest tracks (k,) of the user in row `u`, and the plays (k, horizons) to expect of each from `now_ms` on."""
        taken = np.flatnonzero(users.track[u] != NONE)
        x, said = np.zeros(N_FEATURES, np.float32), np.zeros((len(taken), len(self.weights)))
        for i, k in enumerate(taken.tolist()):
            fill(x, users, u, k, now_ms)
            said[i] = [expect(weights, x) for weights in self.weights]
        return users.track[u, taken], said


def encode_serving(served: Served) -> bytes:
    """JSON; `parse` reads it back equal."""
    return msgspec.json.encode(_Wire(served.version, served.lessons, list(FEATURES), DAYS, served.weights.tolist()))


def parse(raw: bytes) -> Served:
    """Raises `BadServing`."""
    try:
        wire = msgspec.json.decode(raw, type=_Wire)
        weights = np.array(wire.weights, np.float64)
    except (msgspec.MsgspecError, ValueError) as error:
        raise BadServing(f"no play counts: {error}") from error
    if wire.features != list(FEATURES) or wire.days != DAYS or weights.shape != (len(DAYS), N_FEATURES) or not np.isfinite(weights).all():
        raise BadServing(f"weights of {weights.shape} for {wire.days} days over {wire.features}: made by another build")
    return Served(wire.version, wire.lessons, weights)
