"""What the ranker has learned: the weights of both stages, and how they are written down.

Layout, little endian: version (1 byte), 7 zero bytes, lessons (i64), then float32: gate weights and squares (signals x
contexts), bilinear weights and squares (contexts x features).
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

import numpy as np

from online_models.arrays import F32, I64
from online_models.bilinear import Bilinear, new_bilinear
from online_models.mixture import Gate, new_gate

VERSION = 1
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
        raise BadWeights(f"{len(data)} bytes of version {data[:1].hex() or 'nothing'} are no weights of this build")
    numbers = np.frombuffer(data, "<f4", offset=_HEAD.size)
    if not np.isfinite(numbers).all():
        raise BadWeights("a weight is not finite")
    at = 0
    for array in _arrays(w):
        array[:] = numbers[at : at + array.size].reshape(array.shape)
        at += array.size
    w.lessons[0] = _HEAD.unpack_from(data)[1]
    return w


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
