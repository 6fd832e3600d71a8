"""An open-addressing map from a 64-bit hash to a slot, for numba kernels.

Keys are already well-mixed keyed hashes, so the low bits are the bucket. 0 means empty: a hash of 0
is never handed out (`streams/ids.py`).
"""

from __future__ import annotations

import numpy as np

from online_models.arrays import I32, I64
from online_models.kernel import kernel
from online_models.prefetch import fetch


def new_map(capacity: int) -> tuple[I64, I32]:
    """Keys and values of a map that stays at most half full with `capacity` entries."""
    size = 16
    while size < 2 * capacity:
        size *= 2
    return np.zeros(size, np.int64), np.full(size, -1, np.int32)


@kernel
def find(keys: I64, values: I32, key: int) -> int:
    """The value under `key`, or -1."""
    mask = keys.shape[0] - 1
    i = key & mask
    while keys[i] != 0:
        if keys[i] == key:
            return values[i]
        i = (i + 1) & mask
    return -1


@kernel
def expect(keys: I64, values: I32, key: int) -> None:
    """A `find` of `key` will come soon."""
    i = key & (keys.shape[0] - 1)
    fetch(keys, i * 8, 8)
    fetch(values, i * 4, 4)


@kernel
def put(keys: I64, values: I32, key: int, value: int) -> None:
    """Set `key` to `value`; the caller keeps the map at most half full."""
    mask = keys.shape[0] - 1
    i = key & mask
    while keys[i] != 0 and keys[i] != key:
        i = (i + 1) & mask
    keys[i] = key
    values[i] = value


@kernel
def remove(keys: I64, values: I32, key: int) -> None:
    """Take `key` out, moving later entries of its run back so that no probe breaks off early."""
    mask = keys.shape[0] - 1
    i = key & mask
    while keys[i] != key:
        if keys[i] == 0:
            return
        i = (i + 1) & mask
    keys[i] = 0
    j = i
    while True:
        j = (j + 1) & mask
        if keys[j] == 0:
            return
        home = keys[j] & mask
        if ((j - home) & mask) >= ((j - i) & mask):
            keys[i] = keys[j]
            values[i] = values[j]
            keys[j] = 0
            i = j


@kernel
def find_many(keys: I64, values: I32, wanted: I64, out: I32) -> None:
    """`out[i]` = value under `wanted[i]`, or -1."""
    for i in range(wanted.shape[0]):
        out[i] = find(keys, values, wanted[i])
