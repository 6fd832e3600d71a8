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

from online_models.arrays import F64
from online_models.clusters.buckets import Buckets
from online_models.clusters.marks import DIRECTIONS, Tokens
from online_models.clusters.track import N_NUMBERS

PREFIX: Final = "company-"
"""Before the names of the buckets' parts."""
SOUND_SHRINK: Final = 2.0
"""Tracks of average sound that every token starts with."""
RIDGE: Final = 10.0
OWN: Final = 20.0
"""Weight of a track's own label, where it is asked for: against it company says little."""


class Company:
    """The buckets and the regression."""

    def __init__(self) -> None:
        self.known = Buckets(counts=2, width=N_NUMBERS + DIRECTIONS)
        """Of each token: its tracks, and those of them with labels; sums of their sound and their labels."""
        self.moments = np.zeros((N_NUMBERS + 1, N_NUMBERS + 1 + DIRECTIONS))
        """Of (sound, 1) with itself and with the labels."""

    def learn_one(self, sound: F64, label: F64 | None, tokens: Tokens) -> None:
        """Take a track of standardised `sound` (11,) in."""
        row = np.concatenate([sound, np.zeros(DIRECTIONS) if label is None else label]).astype(np.float32)
        for value in tokens.hashes[0].tolist():
            at = self.known.home(value) if value else None
            if at is not None:
                self.known.n[at] += (1.0, label is not None)
                self.known.sums[at] += row
        if label is not None:
            known = np.append(sound, 1.0)
            self.moments += np.outer(known, np.concatenate([known, label]))

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
        at, there = self.known.find(tokens.hashes)
        n, sums = self.known.n[at] * there[..., None], self.known.sums[at] * there[..., None]
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
        """Plain arrays of the buckets in use, and the moments."""
        buckets = {f"{PREFIX}{name}": part for name, part in self.known.parts().items()}
        return {**buckets, "company-moments": self.moments.astype("<f8").tobytes()}

    def take(self, parts: Mapping[str, bytes]) -> None:
        """Raises ValueError or LookupError for torn parts."""
        self.known.take({name.removeprefix(PREFIX): part for name, part in parts.items() if name.startswith(PREFIX)})
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
