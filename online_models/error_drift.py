"""Drift of a model's error: River's Page-Hinkley test over means of some lessons. Its state is a handful of numbers, kept with the model.

Page, "Continuous inspection schemes", Biometrika 41, 1954: how far the error has stayed above its mean so far, summed up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from river.drift import PageHinkley
from river.stats import Mean

MEAN_OF: Final = 25
"""Lessons of a value: the test takes 2 us, and plays that follow each other are lessons that resemble one another."""
TOLERATED: Final = 0.1
"""Nats by which the error may lie above its mean for ever: a rise that is smaller is no drift."""
ENOUGH: Final = 6.0
"""Sum of what lies above that, in nats x MEAN_OF lessons: a rise from .63 to .95 nats is seen after 700 lessons, to 1.5 after 200. The
finish model's members raised no alarm in 60,000 lessons of a law that stays."""
GRACE: Final = 20
"""Values before the first alarm."""


class Rise(NamedTuple):
    """The error is larger than it was."""

    before: float
    """Mean up to now, in nats."""
    after: float
    """Mean of the last MEAN_OF lessons."""


class ErrorDrift:
    """Watches the loss of one model, of which each lesson tells what it cost before it was learned."""

    def __init__(self) -> None:
        self._test = _new_test(Mean(), 0.0, 0.0)
        self._sum, self._n = 0.0, 0

    def learn_one(self, loss: float) -> Rise | None:
        """One more lesson; says when the loss has risen, and begins anew then."""
        self._sum, self._n = self._sum + loss, self._n + 1
        if self._n < MEAN_OF:
            return None
        mean, before = self._sum / MEAN_OF, self._test._x_mean.get()
        self._sum, self._n = 0.0, 0
        self._test.update(mean)
        if not self._test.drift_detected:
            return None
        self._test = _new_test(Mean(), 0.0, 0.0)
        return Rise(before, mean)

    def state(self) -> dict[str, Any]:
        """Plain data; `from_state` goes on from it."""
        test = self._test
        fresh = not test._x_mean.n
        return {
            "values": test._x_mean.n,
            "mean": test._x_mean.get(),
            "sum": test._sum_increase,
            "least": 0.0 if fresh else test._min_increase,  # JSON has no infinity
            "open_sum": self._sum,
            "open": self._n,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> ErrorDrift:
        """Raises `KeyError`, `TypeError` or `ValueError` where it is no state."""
        drift = cls()
        mean = Mean._from_state(float(state["values"]), float(state["mean"]))
        drift._test = _new_test(mean, float(state["sum"]), float(state["least"]))
        drift._sum, drift._n = float(state["open_sum"]), int(state["open"])
        return drift


def _new_test(mean: Mean, total: float, least: float) -> PageHinkley:
    """The test where it stands; what it keeps of falls is not asked for, and has no part in what it says of rises."""
    test = PageHinkley(min_instances=GRACE, delta=TOLERATED, threshold=ENOUGH, mode="up")
    test._x_mean, test._sum_increase = mean, total
    if mean.n:
        test._min_increase = least
    return test
