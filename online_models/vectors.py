"""Track vectors: a random projection of whom a track is played near, so that two tracks which share company are alike.

Each neighbour adds its signs (+1 or -1 per dimension, the bits of its hash), the nearer the more, and less the more often
the two already met. So a vector is a sketch of the whole row of co-visits, also of those that the bounded row let go
(Achlioptas 2003), and a pure fold of what a play tells a track.
"""

from __future__ import annotations

import numpy as np

from online_models.arrays import F32, zeros
from online_models.kernel import kernel
from online_models.lanes import product

DIMENSIONS = 64
"""Bits of a hash."""

_SIGNS = (2.0 * np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little") - 1.0).astype(np.float32)
"""(256, 8) the signs of each byte's bits."""


def new_vectors(n_slots: int) -> F32:
    """One vector per track's slot (n_slots, DIMENSIONS)."""
    return zeros((n_slots, DIMENSIONS), np.float32)


@kernel
def learn(vectors: F32, s: int, other: int, lag: int, met: np.float32) -> None:
    """`other` was played `lag` (1..) plays from the track in slot `s`; `met` is how strongly they were tied before."""
    weight = np.float32(1.0) / (np.float32(lag) * np.sqrt(np.float32(1.0) + np.float32(met)))
    for b in range(DIMENSIONS // 8):
        signs = _SIGNS[(other >> (8 * b)) & 255]
        for d in range(8):
            vectors[s, 8 * b + d] += weight * signs[d]


@kernel
def unit(vector: F32) -> np.float32:
    """What brings `vector` to length 1."""
    return np.float32(1.0) / np.sqrt(np.float32(product(vector, vector, DIMENSIONS)) + np.float32(1e-6))
