"""What a token means: the mean of what it stands beside, as a direction.

Every token starts as a random direction out of its hash, and becomes the sum of the other tokens of its tracks, by what those mean by then:
so words and artists that keep the same company come to lie together, also where they never met (random indexing, Kanerva, Kristoferson and
Holst 2000; reflective, Cohen, Schvaneveldt and Widdows 2010). Rare tokens weigh more (inverse document frequency). The direction of all
text together is taken out, or everything would end in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from online_models.arrays import F64, U64
from online_models.clusters.buckets import Bools, Buckets
from online_models.clusters.track import hashed

DIMENSIONS: Final = 32
SHRINK: Final = 1.0
"""Tracks that a token's random direction is worth, against what it stood beside."""
CHANCE: Final = 0.3
"""Weight of a random direction against a learned one. Agreement with sub-genres, 20 clusters, two orders: .0821 with .3, .0771 with 1."""
AT_ONCE: Final = 512
"""Texts handled together: 9 MB where they are long."""
TOKENS_CACHED: Final = 65_536
_BITS: Final = np.arange(DIMENSIONS, dtype=np.uint64)


@lru_cache(maxsize=TOKENS_CACHED)
def _hash(token: str) -> int:
    return hashed(f"text:{token}")


def hashes_of(tokens: Iterable[str]) -> U64:
    """(t,) 64 bits of each."""
    return np.array([_hash(token) for token in tokens], np.uint64)


class _Known(NamedTuple):
    share: F64
    """(t,) how far each is known, 0 = it never came."""
    weights: F64
    directions: F64
    """(t, 32) of length 1."""


class Meaning:
    """The buckets."""

    def __init__(self) -> None:
        self.n_texts = 0
        self.tokens = Buckets(counts=1, width=DIMENSIONS)
        """Texts with each, and the sum of what it stood beside."""
        self.mean = np.zeros(DIMENSIONS)
        """Of all texts' directions."""

    def learn_one(self, hashes: U64) -> None:
        """Take a text's tokens (t,) in."""
        known = self._known(hashes)
        bits = (hashes[:, None] >> _BITS & np.uint64(1)).astype(float)
        chance = (2.0 * bits - 1.0) * (CHANCE / np.sqrt(DIMENSIONS))
        share = known.share[:, None]
        said = known.weights[:, None] * (share * known.directions + (1.0 - share) * chance)
        whole = said.sum(axis=0)
        others = _unit(whole - said) - self.mean
        self.n_texts += 1
        self.mean += (_unit(whole[None, :])[0] - self.mean) / self.n_texts
        for row, value in enumerate(hashes.tolist()):
            at = self.tokens.home(value)
            if at is not None:
                self.tokens.n[at] += 1.0
                self.tokens.sums[at] += others[row]

    def points(self, texts: Sequence[U64]) -> tuple[F64, Bools]:
        """Directions (m, 32) of texts by the hashes of their tokens, of length 1, and for which (m,) a token ever came.

        Leaves no trace.
        """
        blocks = [self._block(texts[start : start + AT_ONCE]) for start in range(0, len(texts), AT_ONCE)]
        if not blocks:
            return np.zeros((0, DIMENSIONS)), np.zeros(0, bool)
        return np.concatenate([x for x, _ in blocks]), np.concatenate([there for _, there in blocks])

    def _block(self, texts: Sequence[U64]) -> tuple[F64, Bools]:
        hashes = np.zeros((len(texts), max(1, max(map(len, texts)))), np.uint64)
        for row, mine in enumerate(texts):
            hashes[row, : len(mine)] = mine
        known = self._known(hashes.ravel())
        said = (known.weights * known.share * (hashes.ravel() != 0))[:, None] * known.directions
        x = said.reshape(*hashes.shape, DIMENSIONS).sum(axis=1)
        return _unit(x), np.asarray((known.share.reshape(hashes.shape) * (hashes != 0) > 0.0).any(axis=1))

    def _known(self, hashes: U64) -> _Known:
        at, there = self.tokens.find(hashes)
        n = np.where(there, self.tokens.n[at, 0], 0.0)
        directions = _unit(self.tokens.sums[at].astype(float) * there[:, None])
        return _Known(n / (n + SHRINK), np.log((self.n_texts + 1.0) / (n + 1.0)), directions)

    # --- to keep ---------------------------------------------------------------------------------

    def parts(self) -> dict[str, bytes]:
        """Plain arrays of the buckets in use, and the mean."""
        return {**self.tokens.parts(), "mean": self.mean.astype("<f8").tobytes()}

    def take(self, parts: Mapping[str, bytes], n_texts: int) -> None:
        """Raises ValueError or LookupError for torn parts."""
        self.tokens.take(parts)
        self.mean = np.frombuffer(parts["mean"], "<f8").reshape(DIMENSIONS).copy()
        self.n_texts = n_texts


def _unit(rows: F64) -> F64:
    """Rows (m, d) of length 1, or 0 where there is nothing."""
    length = np.sqrt((rows * rows).sum(axis=1, keepdims=True))
    return np.asarray(rows / np.where(length > 0.0, length, 1.0), dtype=np.float64)
