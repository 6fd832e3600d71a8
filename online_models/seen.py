"""Which tracks did this user ever play? A scalable Bloom filter per user: never a false "no".

Three tiers (256 B, 2 KB, 16 KB); a tier is opened when the one before holds its share, so a light
listener costs 256 bytes and a false "yes" (a track wrongly kept out of `discover`) stays near 1 %
up to some 13,000 distinct tracks. Almeida et al., "Scalable Bloom Filters", 2007.
"""

from __future__ import annotations

import numpy as np

from online_models.arrays import I64
from online_models.kernel import kernel

TIER_WORDS = (32, 256, 2048)
"""64-bit words of each tier."""
TIER_TRACKS = (200, 1600, 12_800)
"""Distinct tracks after which the next tier is opened: 10 bits each."""
BITS = 4
"""Bits set per track."""


@kernel
def holds(words: I64, key: int) -> bool:
    """Is every bit of `key` set in this tier?"""
    mask = words.shape[0] * 64 - 1
    bit, step = key & mask, ((key >> 32) & mask) | 1
    for _ in range(BITS):
        if (words[bit >> 6] >> (bit & 63)) & 1 == 0:
            return False
        bit = (bit + step) & mask
    return True


@kernel
def add(words: I64, key: int) -> None:
    """Set the bits of `key`: a double-hashed walk over the tier."""
    mask = words.shape[0] * 64 - 1
    bit, step = key & mask, ((key >> 32) & mask) | 1
    for _ in range(BITS):
        words[bit >> 6] |= np.int64(1) << (bit & 63)
        bit = (bit + step) & mask
