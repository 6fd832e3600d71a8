"""Naive Bayes twice: Gaussians over the scaled features, and the counted evidence of names."""

from __future__ import annotations

from typing import Final

import numpy as np

from online_models.arrays import F32, F64
from online_models.genres.evidence import SCALE
from online_models.genres.members import Arrays
from online_models.genres.sizes import GENRES_MAX

VARIANCE_MIN: Final = 1e-3
"""Of features scaled to about 1: a genre whose first lessons agree must not be certain of it."""
VARIANCE_START: Final = 1.0
"""One lesson of the features' own spread comes before the first."""


def _normalised(log_p: F64, p: F64) -> None:
    odds = np.exp(log_p - log_p.max())
    p[: len(log_p)] = odds / odds.sum()


class GaussianBayes:
    """P(genre) x product of N(x_f; mean, variance), by Welford's updates over the first `n_features` columns.

    River's `GaussianNB` says the same but for the first lessons (a test holds it to that), and takes several times as long.
    """

    def __init__(self, n_features: int) -> None:
        self.n_features = n_features
        self._n: F64 = np.zeros(GENRES_MAX)
        self._mean: F64 = np.zeros((GENRES_MAX, n_features))
        self._spread: F64 = np.zeros((GENRES_MAX, n_features))

    def learn_one(self, x: F32, y: int, n_genres: int) -> None:
        """See `Member`."""
        seen = x[: self.n_features]
        self._n[y] += 1.0
        away = seen - self._mean[y]
        self._mean[y] += away / self._n[y]
        self._spread[y] += away * (seen - self._mean[y])

    def say_one(self, x: F32, n_genres: int, p: F64) -> None:
        """See `Member`."""
        n = self._n[:n_genres, None]
        variance = np.maximum((self._spread[:n_genres] + VARIANCE_START) / (n + 1.0), VARIANCE_MIN)
        away = x[: self.n_features] - self._mean[:n_genres]
        log_p = np.log(n[:, 0] + 1.0) - 0.5 * (np.log(variance) + away * away / variance).sum(axis=1)
        _normalised(log_p, p)

    def is_sound(self) -> bool:
        """See `Member`."""
        return True

    def arrays(self) -> Arrays:
        """See `Member`."""
        return {"n": self._n, "mean": self._mean, "spread": self._spread}


class EvidenceBayes:
    """P(genre) x what artist, album and words say, all kinds believed alike: the columns `all` of `Inputs`."""

    def __init__(self, n_features: int, n_kinds: int) -> None:
        self._first = n_features + n_kinds + n_kinds
        self._step = n_kinds + 1
        self._n: F64 = np.zeros(GENRES_MAX)

    def learn_one(self, x: F32, y: int, n_genres: int) -> None:
        """See `Member`; the counts themselves are those of `Evidence`."""
        self._n[y] += 1.0

    def say_one(self, x: F32, n_genres: int, p: F64) -> None:
        """See `Member`."""
        said = x[self._first : self._first + n_genres * self._step : self._step][:n_genres].astype(np.float64)
        _normalised(np.log(self._n[:n_genres] + 1.0) + said / SCALE, p)

    def is_sound(self) -> bool:
        """See `Member`."""
        return True

    def arrays(self) -> Arrays:
        """See `Member`."""
        return {"n": self._n}
