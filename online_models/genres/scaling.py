"""Features brought to one scale, each by its declared policy, with River's incremental scalers.

A poisoned record leaves no harm: a row's numbers lie in their fields' declared ranges or the row is refused, so that nothing
stretches a minimum or bends a variance, and what is far from all that was seen is held at `SCALED_MAX`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from river.preprocessing import MinMaxScaler, StandardScaler

from online_models.arrays import F32
from online_models.genres.features import Feature

SCALED_MAX: Final = 4.0
"""Standard deviations from the mean, or widths of the range: further out a value says no more than that it is far out."""
UNKNOWN: Final = {"standardised": 0.0, "log": 0.0, "normalised": 0.5}
"""Where a value that is not there stands: the mean, or the middle."""


class Scaling:
    """The scalers of some features.

    >>> import numpy as np
    >>> from online_models.genres.features import of_groups
    >>> features = of_groups(["harmony"])
    >>> scaling, x = Scaling(features), np.zeros(len(features), np.float32)
    >>> for mode in (0.0, 1.0):
    ...     scaling.learn_one({"mode": mode})
    >>> scaling.transform_one({"mode": 1.0}, x)
    >>> x.tolist()
    [1.0, 0.5, 0.5, 0.0]
    """

    def __init__(self, features: Sequence[Feature]) -> None:
        self._place = {feature.name: n for n, feature in enumerate(features)}
        self._unknown = [UNKNOWN[feature.policy] for feature in features]
        self._normalised = frozenset(feature.name for feature in features if feature.policy == "normalised")
        self._standard = StandardScaler()
        self._ranges = MinMaxScaler()

    def learn_one(self, found: Mapping[str, float]) -> None:
        """Take features as `features.read` gives them into the statistics."""
        standard, ranged = self._apart(found)
        self._standard.learn_one(standard)
        self._ranges.learn_one(ranged)

    def transform_one(self, found: Mapping[str, float], x: F32) -> None:
        """Fill `x[:n]`; leaves no trace in the statistics."""
        standard, ranged = self._apart(found)
        x[: len(self._unknown)] = self._unknown
        place = self._place
        # River's dicts would grow for a feature that was never learned.
        for scaler, seen, values in ((self._standard, self._standard.counts, standard), (self._ranges, self._ranges.min, ranged)):
            known = {name: value for name, value in values.items() if name in seen}
            for name, value in scaler.transform_one(known).items():
                x[place[name]] = min(max(value, -SCALED_MAX), SCALED_MAX)

    def _apart(self, found: Mapping[str, float]) -> tuple[dict[str, float], dict[str, float]]:
        standard = {name: value for name, value in found.items() if name not in self._normalised}
        return standard, {name: value for name, value in found.items() if name in self._normalised}

    def state(self) -> dict[str, Any]:
        """Plain data; `take` goes on from it."""
        return {
            "counts": dict(self._standard.counts),
            "means": dict(self._standard.means),
            "variances": dict(self._standard.vars),
            "least": {name: it.get() for name, it in self._ranges.min.items()},
            "most": {name: it.get() for name, it in self._ranges.max.items()},
        }

    def take(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`. Raises `KeyError` when it is of other features."""
        for part in state.values():
            for name in part:
                self._place[name]
        self._standard = StandardScaler._from_state(state["counts"], state["means"], state["variances"])
        self._ranges = MinMaxScaler._from_state(state["least"], state["most"])
