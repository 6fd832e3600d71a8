"""Which partition of the events a key belongs to: Kafka's default partitioner, murmur2 of the key's bytes.

librdkafka's default is CRC32, so a producer built on it must set `partitioner=murmur2_random`.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from online_models.kernel import kernel

_SEED = np.uint32(0x9747B28C)
_MIX = np.uint32(0x5BD1E995)
_R8, _R13, _R15, _R16, _R24 = np.uint32(8), np.uint32(13), np.uint32(15), np.uint32(16), np.uint32(24)


@kernel
def _murmur2(data):  # type: ignore[no-untyped-def]
    size = len(data)
    h = np.uint32(_SEED ^ np.uint32(size))
    for i in range(0, size - 3, 4):
        k = np.uint32(data[i]) | np.uint32(data[i + 1]) << _R8 | np.uint32(data[i + 2]) << _R16 | np.uint32(data[i + 3]) << _R24
        k = np.uint32(k * _MIX)
        k = np.uint32(np.uint32(k ^ k >> _R24) * _MIX)
        h = np.uint32(np.uint32(h * _MIX) ^ k)
    left = size & 3
    base = size - left
    if left == 3:
        h = np.uint32(h ^ np.uint32(np.uint32(data[base + 2]) << _R16))
    if left >= 2:
        h = np.uint32(h ^ np.uint32(np.uint32(data[base + 1]) << _R8))
    if left >= 1:
        h = np.uint32(np.uint32(h ^ np.uint32(data[base])) * _MIX)
    h = np.uint32(np.uint32(h ^ h >> _R13) * _MIX)
    return np.uint32(h ^ h >> _R15)


def murmur2(key: bytes) -> int:
    """MurmurHash2 of `key` as Kafka's clients compute it, 0 .. 2**32 - 1.

    Compiled: 0.25 us for a key of any sensible length, where plain Python takes 2.4 us for a UUID.

    >>> murmur2(b"21")
    3321034988
    """
    return cast(int, _murmur2(key))


def partition_of(key: bytes, partition_count: int) -> int:
    """The partition, 0 .. partition_count - 1, that Kafka's default partitioner gives `key`.

    >>> partition_of(b"ana", 8)
    0
    """
    return (murmur2(key) & 0x7FFF_FFFF) % partition_count
