"""The space in which distances are taken: sound in standard deviations, and what company adds.

A frame is frozen between two reviews, so a track that comes back is where it was; at a review it moves with the statistics, and
the clusters with it, because a centre is the mean of its members.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, Self

import numpy as np

from online_models.arrays import F64
from online_models.clusters.company import OWN, Company
from online_models.clusters.marks import DIRECTIONS, Tokens
from online_models.clusters.track import AUDIO, N_NUMBERS

Variant = Literal["audio", "company", "labels"]
VARIANTS: Final[tuple[Variant, ...]] = ("audio", "company", "labels")
"""Sound alone; sound, year and what a track's company says; the same with its own labels."""

LABEL_WEIGHT: Final = 6.0
"""Of a unit of label against one standard deviation of sound. Adjusted mutual information with sub-genres, never with a track's own label
(first seed): weight 3 .23, 4 .27, 6 .31."""


class Frame(NamedTuple):
    """Means and deviations of the numbers, and what labels mean on average."""

    mean: F64
    """(11,)"""
    deviation: F64
    """(11,); 1 where a feature is constant."""
    regression: F64
    """(12, 16)"""
    label: F64
    """(16,)"""

    @classmethod
    def new(cls) -> Self:
        n = N_NUMBERS
        return cls(np.zeros(n), np.ones(n), np.zeros((n + 1, DIRECTIONS)), np.zeros(DIRECTIONS))

    def sound(self, numbers: F64) -> F64:
        """Standardised `numbers` (m, 11); unknown ones are average."""
        scaled = (numbers - self.mean) / self.deviation
        return np.where(np.isnan(scaled), 0.0, scaled)

    def evidence(self, variant: Variant, company: Company, sound: F64, tokens: Tokens, own: tuple[F64, F64], *, learned: bool) -> F64:
        """What others say of tracks (m, 27): sound of their company, then labels; (m, 0) for "audio".

        Parameters
        ----------
        own : (m,) whether a track has labels, and (m, 16) their direction
        learned : these tracks were taken in by `company` before, and must not be evidence about themselves
        """
        if variant == "audio":
            return np.zeros((len(sound), 0))
        alike, said = company.say(sound, tokens, self.regression, own if learned else None)
        if variant == "labels":
            weight = OWN * own[0][:, None]
            said = (said + weight * own[1]) / (1.0 + weight)
        return np.concatenate([alike, said], axis=1)

    def points(self, sound: F64, evidence: F64) -> F64:
        """Tracks as points (m, 10) or (m, 38) from both."""
        if not evidence.shape[1]:
            return np.ascontiguousarray(sound[:, : len(AUDIO)])
        alike, said = evidence[:, :N_NUMBERS], evidence[:, N_NUMBERS:]
        return np.concatenate([sound, alike, LABEL_WEIGHT * (said - self.label)], axis=1)

    def to_bytes(self) -> bytes:
        return np.concatenate([part.ravel() for part in self]).astype("<f8").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Raises ValueError for another length."""
        shapes = [part.shape for part in cls.new()]
        ends = np.cumsum([np.prod(shape, dtype=int) for shape in shapes])
        values = np.frombuffer(data, "<f8")
        if len(values) != ends[-1]:
            raise ValueError(f"a frame of {len(values)} numbers")
        return cls(*(part.reshape(shape).copy() for part, shape in zip(np.split(values, ends[:-1]), shapes, strict=True)))
