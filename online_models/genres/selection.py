"""Which features tell something of the genre, and which of them tell the same; learned one track at a time.

Information is that between a feature in bins and the genre, with the bias of small counts taken off (Miller, 1955). Features are one
group where their correlation joins them: a model loses little when one of a group goes.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from online_models.arrays import F32, F64, I64
from online_models.genres.inputs import Inputs
from online_models.genres.scaling import SCALED_MAX
from online_models.genres.sizes import GENRES_MAX

BINS_N: Final = 16
ALIKE_MIN: Final = 0.9
"""Absolute correlation: nine tenths and more of it leaves a fifth of the variance unsaid."""


class Selection:
    """Counts over the columns of some inputs: the table's features, and for each kind of name which genre it speaks for."""

    def __init__(self, inputs: Inputs) -> None:
        self._n_features, self._n_kinds = len(inputs.features), len(inputs.evidence.kinds)
        self.names = [feature.name for feature in inputs.features] + [f"names: {kind}" for kind in inputs.evidence.kinds]
        normalised = np.array([feature.policy == "normalised" for feature in inputs.features])
        self._low: F64 = np.where(normalised, 0.0, -SCALED_MAX)
        self._width: F64 = np.where(normalised, 1.0, 2.0 * SCALED_MAX) / BINS_N
        self._counts: F64 = np.zeros((len(self.names), max(BINS_N, GENRES_MAX + 1), GENRES_MAX))
        self._rows: I64 = np.arange(len(self.names))
        self._n = 0
        self._mean: F64 = np.zeros(self._n_features)
        self._together: F64 = np.zeros((self._n_features, self._n_features))

    def learn_one(self, x: F32, y: int, n_genres: int) -> None:
        """Count the columns in use `x` of a track of genre `y`, as they were before it was learned."""
        seen = x[: self._n_features].astype(np.float64)
        bins = np.clip((seen - self._low) / self._width, 0, BINS_N - 1).astype(np.int64)
        self._counts[self._rows, np.concatenate((bins, self._spoken_for(x, n_genres))), y] += 1.0
        self._n += 1
        away = seen - self._mean
        self._mean += away / self._n
        self._together += np.outer(away, seen - self._mean)

    def _spoken_for(self, x: F32, n_genres: int) -> I64:
        """Per kind of name the genre of the highest odds; `GENRES_MAX` where none of its names was ever heard."""
        first = self._n_features + self._n_kinds
        odds = x[first:].reshape(n_genres, -1)[:, : self._n_kinds] if self._n_kinds else np.zeros((n_genres, 0), np.float32)
        heard = x[self._n_features : first] > 0.0
        return np.where(heard, odds.argmax(axis=0), GENRES_MAX)

    def bits(self) -> F64:
        """Information about the genre of each of `names`, in bits, at least 0."""
        joint = self._counts / max(self._n, 1)
        apart = joint.sum(axis=2, keepdims=True) * joint.sum(axis=1, keepdims=True)
        terms = np.where(joint > 0.0, joint * np.log2(np.where(joint > 0.0, joint, 1.0) / np.where(apart > 0.0, apart, 1.0)), 0.0)
        n_bins, n_genres = (self._counts.sum(axis=2) > 0.0).sum(axis=1), (self._counts.sum(axis=1) > 0.0).sum(axis=1)
        bias = np.maximum(n_bins - 1, 0) * np.maximum(n_genres - 1, 0) / (2.0 * np.log(2.0) * max(self._n, 1))
        return np.maximum(terms.sum(axis=(1, 2)) - bias, 0.0)

    def correlations(self) -> F64:
        """(features, features) of the table's features; 0 where one is constant, and with itself."""
        spread = np.sqrt(np.diag(self._together))
        product = np.outer(spread, spread)
        found = np.divide(self._together, product, out=np.zeros_like(product), where=product > 0.0)
        np.fill_diagonal(found, 0.0)
        return found

    def alike(self) -> list[list[str]]:
        """Groups of features that say the same, most telling first in each."""
        correlations, bits = self.correlations(), self.bits()
        group = list(range(self._n_features))
        for one, other in zip(*np.nonzero(np.abs(correlations) >= ALIKE_MIN), strict=True):
            joined, into = group[other], group[one]
            group = [into if number == joined else number for number in group]
        members = [[n for n in range(self._n_features) if group[n] == number] for number in dict.fromkeys(group)]
        return [[self.names[n] for n in sorted(found, key=lambda n: (-bits[n], n))] for found in members if len(found) > 1]

    def report(self) -> dict[str, Any]:
        """Features by information, each with the one it is most like, and the groups."""
        bits, correlations = self.bits(), self.correlations()
        rows = []
        for n in sorted(range(len(self.names)), key=lambda n: (-bits[n], n)):
            row = {"name": self.names[n], "bits": round(float(bits[n]), 4), "closest": "", "correlation": 0.0}
            if n < self._n_features:
                closest = int(np.abs(correlations[n]).argmax())
                row |= {"closest": self.names[closest], "correlation": round(float(correlations[n, closest]), 3)}
            rows.append(row)
        return {"features": rows, "alike": self.alike()}
