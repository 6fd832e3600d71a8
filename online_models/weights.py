"""What the ranker has learned: the weights of both stages, and how they are written down.

Layout, little endian: version (1 byte), 7 zero bytes, lessons (i64), then float32: gate weights and squares (signals x
the contexts of stage 1), bilinear weights and squares (contexts x features).
"""

from __future__ import annotations

from collections.abc import Mapping
from struct import Struct
from typing import NamedTuple

import numpy as np

from online_models.arrays import F32, I64
from online_models.bilinear import Bilinear, new_bilinear
from online_models.mixture import Gate, new_gate

VERSION = 3
"""Other signals, contexts or features are another version: weights have no names, only places."""
_HEAD = Struct("<B7xq")


class BadWeights(ValueError):
    """Bytes that are no weights of this build: their shapes or their numbers are others."""


class Weights(NamedTuple):
    """One set for all users of a worker: sets that learn from a part each learn slower (eight of them: HR@20 .005 lower)."""

    gate: Gate
    bilinear: Bilinear
    lessons: I64  # (1,) plays learned from


def new_weights() -> Weights:
    """Before the first play."""
    return Weights(new_gate(), new_bilinear(), np.zeros(1, np.int64))


def _arrays(w: Weights) -> tuple[F32, ...]:
    return (*w.gate, *w.bilinear)


def encode(w: Weights) -> bytes:
    """The weights as bytes."""
    return _HEAD.pack(VERSION, int(w.lessons[0])) + b"".join(array.astype("<f4").tobytes() for array in _arrays(w))


def decode(data: bytes) -> Weights:
    """The weights behind bytes. Raises `BadWeights`."""
    w = new_weights()
    if len(data) != _HEAD.size + 4 * sum(array.size for array in _arrays(w)) or data[0] != VERSION:
        raise BadWeights(
            f"{len(data)} bytes of version {data[0] if data else 'nothing'} are no weights of version {VERSION}: a plays worker of this "
            "release begins anew; `segue rebuild` lets it learn from all plays that the log holds"
        )
    numbers = np.frombuffer(data, "<f4", offset=_HEAD.size)
    if not np.isfinite(numbers).all():
        raise BadWeights("a weight is not finite")
    at = 0
    for array in _arrays(w):
        array[:] = numbers[at : at + array.size].reshape(array.shape)
        at += array.size
    w.lessons[0] = _HEAD.unpack_from(data)[1]
    return w


def newest(copies: Mapping[str, bytes | None]) -> tuple[str, Weights] | None:
    """Of the copies that partitions hold, by key, the one that was learned from most plays, and its key; None where there is none.

    After an upgrade a partition holds what the release before wrote until its next play: that is passed over where another holds
    what this build reads.

    Raises
    ------
    BadWeights : there are copies, and this build reads none of them
    """
    found, refused = dict[str, Weights](), list[BadWeights]()
    for key, data in copies.items():
        try:
            found |= {key: decode(data)} if data else {}
        except BadWeights as error:
            refused.append(BadWeights(f"{key}: {error}"))
    if refused and not found:
        raise refused[0]
    best = max(found, key=lambda key: int(found[key].lessons[0]), default=None)
    return None if best is None else (best, found[best])


def reopen(w: Weights, plays: int, learned: int) -> None:
    """Go on learning in steps as large as after `plays` plays, where they shrank over `learned`; what was learned stays.

    AdaGrad's steps shrink with the root of the sums of squares, so the sums shrink to the share that so many plays brought, and
    grow again from there: the steps fade back by themselves.
    """
    share = np.float32(plays / max(learned, plays))
    fresh = new_weights()
    for square, least in ((w.gate.square, fresh.gate.square), (w.bilinear.square, fresh.bilinear.square)):
        np.maximum(square * share, least, out=square)


def adopt(mine: Weights, found: Weights) -> bool:
    """Go on from `found` where it learned from more plays than `mine`; says whether it did."""
    if found.lessons[0] <= mine.lessons[0]:
        return False
    for to, array in zip(_arrays(mine), _arrays(found), strict=True):
        to[:] = array
    mine.lessons[0] = found.lessons[0]
    return True
