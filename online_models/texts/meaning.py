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
import numpy.typing as npt

from online_models.arrays import F64
from online_models.clusters.track import hashed

U64 = npt.NDArray[np.uint64]
Bools = npt.NDArray[np.bool_]

DIMENSIONS: Final = 32
BUCKETS: Final = 1 << 16
"""Tokens in memory; 9 MB. The catalogue of 28,356 tracks has some 30,000."""
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
        self.owner: U64 = np.zeros(BUCKETS, np.uint64)
        self.n = np.zeros(BUCKETS, np.float32)
        """Texts with the token."""
        self.sums = np.zeros((BUCKETS, DIMENSIONS), np.float32)
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
            if self._is_at_home(value):
                self.n[value % BUCKETS] += 1.0
                self.sums[value % BUCKETS] += others[row]

    def _is_at_home(self, value: int) -> bool:
        """A bucket's owner loses one text for each of another token's, and the bucket when none is left."""
        at = value % BUCKETS
        if int(self.owner[at]) != value:
            n = float(self.n[at])
            if n > 1.0:
                self.n[at] *= (n - 1.0) / n
                self.sums[at] *= (n - 1.0) / n
                return False
            self.owner[at], self.n[at], self.sums[at] = value, 0.0, 0.0
        return True

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
        at = (hashes % np.uint64(BUCKETS)).astype(np.int64)
        there = self.owner[at] == hashes
        n = np.where(there, self.n[at], 0.0)
        directions = _unit(self.sums[at].astype(float) * there[:, None])
        return _Known(n / (n + SHRINK), np.log((self.n_texts + 1.0) / (n + 1.0)), directions)

    # --- to keep ---------------------------------------------------------------------------------

    def parts(self) -> dict[str, bytes]:
        """Plain arrays of the buckets in use."""
        used = np.flatnonzero(self.owner)
        return {
            "owners": self.owner[used].astype("<u8").tobytes(),
            "counts": self.n[used].astype("<f4").tobytes(),
            "sums": self.sums[used].astype("<f4").tobytes(),
            "mean": self.mean.astype("<f8").tobytes(),
        }

    def take(self, parts: Mapping[str, bytes], n_texts: int) -> None:
        """Raises ValueError or LookupError for torn parts."""
        owner = np.frombuffer(parts["owners"], "<u8")
        at = owner % np.uint64(BUCKETS)
        self.owner[at] = owner
        self.n[at] = np.frombuffer(parts["counts"], "<f4").reshape(len(owner))
        self.sums[at] = np.frombuffer(parts["sums"], "<f4").reshape(len(owner), DIMENSIONS)
        self.mean = np.frombuffer(parts["mean"], "<f8").reshape(DIMENSIONS).copy()
        self.n_texts = n_texts


def _unit(rows: F64) -> F64:
    """Rows (m, d) of length 1, or 0 where there is nothing."""
    length = np.sqrt((rows * rows).sum(axis=1, keepdims=True))
    return np.asarray(rows / np.where(length > 0.0, length, 1.0), dtype=np.float64)
