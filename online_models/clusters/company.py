"""What a track's company says of it: how the other tracks of its artists, its album and its words sound, and how they are labelled.

Every label is a random direction of 16 dimensions (Achlioptas 2003: random signs keep distances), so neither their number nor their
names need to be known. Every token has a bucket with the sums of its tracks. A token that few share says little; then what stands in
is what tracks of this sound are usually labelled (a ridge regression learned beside). A track's own label is never among what is said
of it, unless it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from online_models.arrays import F32, F64
from online_models.clusters.marks import DIRECTIONS, Tokens
from online_models.clusters.track import N_NUMBERS

BUCKETS: Final = 1 << 16
"""Tokens in memory; 7 MB."""
SOUND_SHRINK: Final = 2.0
"""Tracks of average sound that every token starts with."""
RIDGE: Final = 10.0
OWN: Final = 20.0
"""Weight of a track's own label, where it is asked for: against it company says little."""


class Company:
    """The buckets and the regression."""

    def __init__(self) -> None:
        self.owner = np.zeros(BUCKETS, np.uint64)
        self.n = np.zeros((BUCKETS, 2), np.float32)
        """Tracks, and those of them with labels."""
        self.sums: F32 = np.zeros((BUCKETS, N_NUMBERS + DIRECTIONS), np.float32)
        self.moments = np.zeros((N_NUMBERS + 1, N_NUMBERS + 1 + DIRECTIONS))
        """Of (sound, 1) with itself and with the labels."""

    def learn_one(self, sound: F64, label: F64 | None, tokens: Tokens) -> None:
        """Take a track of standardised `sound` (11,) in."""
        row = np.concatenate([sound, np.zeros(DIRECTIONS) if label is None else label]).astype(np.float32)
        for value in tokens.hashes[0].tolist():
            if value and self._is_at_home(value):
                self.n[value % BUCKETS] += (1.0, label is not None)
                self.sums[value % BUCKETS] += row
        if label is not None:
            known = np.append(sound, 1.0)
            self.moments += np.outer(known, np.concatenate([known, label]))

    def _is_at_home(self, value: int) -> bool:
        """A bucket's owner loses one track for each of another token's, and the bucket when none is left."""
        at = value % BUCKETS
        if int(self.owner[at]) != value:
            n = float(self.n[at, 0])
            if n > 1.0:
                self.n[at] *= (n - 1.0) / n
                self.sums[at] *= (n - 1.0) / n
                return False
            self.owner[at], self.n[at], self.sums[at] = value, 0.0, 0.0
        return True

    def regression(self) -> F64:
        """(12, 16): what labels a sound has on average."""
        square = self.moments[:, : N_NUMBERS + 1] + RIDGE * np.eye(N_NUMBERS + 1)
        return solved(square, self.moments[:, N_NUMBERS + 1 :])

    def mean_label(self) -> F64:
        """(16,)."""
        return self.moments[N_NUMBERS, N_NUMBERS + 1 :] / max(self.moments[N_NUMBERS, N_NUMBERS], 1.0)

    def say(self, sound: F64, tokens: Tokens, regression: F64, own: tuple[F64, F64] | None = None) -> tuple[F64, F64]:
        """Sound (m, 11) of m tracks' company, and what labels it has (m, 16).

        `own` = (has a label, its direction) of tracks that were learned already: they are taken out of what their tokens say.
        """
        at = tokens.hashes % np.uint64(BUCKETS)
        there = (tokens.hashes != 0) & (self.owner[at] == tokens.hashes)
        n, sums = self.n[at] * there[..., None], self.sums[at] * there[..., None]
        if own is not None:
            has, label = own
            learned = there & (n[..., 0] >= 1.0)
            n = n - learned[..., None] * np.stack([np.ones_like(has), has], axis=1)[:, None, :]
            sums = sums - learned[..., None] * np.concatenate([sound, label], axis=1)[:, None, :]
            n = np.maximum(n, 0.0)
        heard = tokens.is_sound * n[..., 0]
        alike = np.einsum("mt,mtd->md", tokens.is_sound, sums[..., :N_NUMBERS]) / (SOUND_SHRINK + heard.sum(axis=1))[:, None]
        weight = tokens.weights / (n[..., 1] + 1.0)
        # Sums in numpy's own loops: see `solved`.
        prior = np.einsum("mi,id->md", np.concatenate([sound, np.ones((len(sound), 1))], axis=1), regression)
        said = prior + np.einsum("mt,mtd->md", weight, sums[..., N_NUMBERS:])
        return alike, said / (1.0 + (weight * n[..., 1]).sum(axis=1))[:, None]

    def parts(self) -> dict[str, bytes]:
        """Plain arrays of the buckets in use."""
        used = np.flatnonzero(self.owner)
        return {
            "company-owners": self.owner[used].astype("<u8").tobytes(),
            "company-counts": self.n[used].astype("<f4").tobytes(),
            "company-sums": self.sums[used].astype("<f4").tobytes(),
            "company-moments": self.moments.astype("<f8").tobytes(),
        }

    def take(self, parts: Mapping[str, bytes]) -> None:
        """Raises ValueError or LookupError for torn parts."""
        owner = np.frombuffer(parts["company-owners"], "<u8")
        at = owner % np.uint64(BUCKETS)
        self.owner[at] = owner
        self.n[at] = np.frombuffer(parts["company-counts"], "<f4").reshape(len(owner), 2)
        self.sums[at] = np.frombuffer(parts["company-sums"], "<f4").reshape(len(owner), self.sums.shape[1])
        self.moments = np.frombuffer(parts["company-moments"], "<f8").reshape(self.moments.shape).copy()


def solved(square: F64, right: F64) -> F64:
    """x (n, k) of square (n, n) x = right (n, k), for a positive definite `square`: Gauss and Jordan's elimination, number by number.

    Not LAPACK's: a worker and a process beside it, on one machine with one build, differed in the last bits of it, and a model
    must be the same wherever its lessons are learned.

    >>> solved(np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([[3.0], [4.0]])).tolist()
    [[1.0], [1.0]]
    """
    rows, n = np.concatenate([square, right], axis=1), len(square)
    for i in range(n):
        rows[i] /= rows[i, i]
        share = rows[:, i].copy()
        share[i] = 0.0
        rows -= share[:, None] * rows[i]
    return np.ascontiguousarray(rows[:, n:])
