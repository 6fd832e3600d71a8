"""Drift of the ranker: where its live hit rate falls, its steps become large again.

River's ADWIN (Bifet and Gavalda, "Learning from time-changing data with adaptive windowing", SIAM International Conference on Data Mining,
2007) over means of some plays: its window keeps what came since the last change, and is cut where two parts of it differ by more
than chance makes them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final, NamedTuple

from river._river_rust.drift import AdaptiveWindowing

from online_models.weights import Weights, reopen

MEAN_OF: Final = 100
"""Plays of a value. Plays that follow each other come from few sessions and resemble one another: means of 100 vary by .14 on
30Music, and not by the .05 of chance alone. ADWIN over single plays told of 51 falls in 150,000 plays that nothing had happened to."""
SPREAD: Final = 8.0
"""Part of their range that such means take: ADWIN's bound holds for values anywhere in 0 to 1, and has a term for that range which
means do not need. With 1 a fall from .47 to .11 is seen after 2,700 plays, with 8 after 600, and neither sees one where there is none."""
CONFIDENCE: Final = 0.002
"""Chance of an alarm without a change, per look: River's default."""
PART_MIN: Final = 5
"""Means in either part: River's default."""
GRACE: Final = 20
"""Means before the first look: a worker that has just begun is not judged by its first plays."""
BUCKETS_MAX: Final = 5
"""Of each size: River's default."""

REOPENED_PLAYS: Final = 10_000
"""After an alarm steps are as large as after so many plays. On the 40,000 plays after 30Music's tracks were exchanged half way 3,000 gave
.001 more of the hit rate; an alarm without a change cost .0009 with 3,000, and .0001 with this."""
HOLD_PLAYS: Final = 3_000
"""From alarm to alarm at least: what is new is still being learned."""


class Change(NamedTuple):
    """The measure is another one than it was."""

    at: int
    """Place of the value that tipped it, among those given with it."""
    before: float
    """Mean of what the window gave up."""
    after: float
    """Mean of what it keeps: what came since, and some of before where the change is young."""
    lately: float
    """Mean of the last PART_MIN x MEAN_OF values."""

    @property
    def is_fall(self) -> bool:
        """The measure became smaller."""
        return self.after < self.before


class Adwin:
    """One window over a measure between 0 and 1.

    River's kernel without `river.drift` around it: that import brings pandas' and scipy's relatives, 72 MB in each plays worker, and the
    kernel alone 0.7 MB. Its name is private and River's version pinned; a test holds it to `river.drift.ADWIN`.

    As River's class does, it begins anew after a change: one is told of once, not at each look until the window has given up the last
    value of before.
    """

    def __init__(self) -> None:
        self._window, self._n, self._total = _new_window(), 0, 0.0
        self._sum, self._missing = 0.0, MEAN_OF
        self._last: deque[float] = deque(maxlen=PART_MIN)

    def learn_many(self, values: Sequence[float]) -> list[Change]:
        """Take values in their order. Returns the changes that they tell of: mostly none."""
        found, begin = [], 0
        while len(values) - begin >= self._missing:
            end = begin + self._missing
            found += self._take(end - 1, (self._sum + sum(values[begin:end])) / MEAN_OF)
            self._sum, self._missing, begin = 0.0, MEAN_OF, end
        self._sum += sum(values[begin:])
        self._missing -= len(values) - begin
        return found

    def _take(self, at: int, mean: float) -> list[Change]:
        self._n, self._total = self._n + 1, self._total + mean
        self._last.append(mean)
        if not self._window.update(SPREAD * mean):
            return []
        n, total = int(self._window.get_width()), float(self._window.get_total()) / SPREAD
        # What was given up at looks before this one was too little to tell: it counts with what is given up now.
        change = Change(at, (self._total - total) / (self._n - n), total / n, sum(self._last) / len(self._last))
        self._window, self._n, self._total = _new_window(), 0, 0.0
        return [change]


def _new_window() -> AdaptiveWindowing:
    return AdaptiveWindowing(delta=CONFIDENCE, clock=1, max_buckets=BUCKETS_MAX, min_window_length=PART_MIN, grace_period=GRACE)


class Watched:
    """The weights of a ranker, and the measure that watches over them.

    Parameters
    ----------
    weights: an alarm changes them, for whoever else holds them.
    """

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self.measure = Adwin()
        self._forgotten = 0
        """Plays whose part in the steps an alarm took away. A worker that starts anew does not know of it: its first alarm forgets more."""

    def judge(self, hits: Sequence[float]) -> list[Change]:
        """Take what was tested (1 = the play stood in the list that was live); returns the falls that raised an alarm."""
        return [change for change in self.measure.learn_many(hits) if change.is_fall and self._reopen()]

    def _reopen(self) -> bool:
        learned = int(self._weights.lessons[0]) - self._forgotten
        if self._forgotten and learned < REOPENED_PLAYS + HOLD_PLAYS:
            return False
        reopen(self._weights, REOPENED_PLAYS, learned)
        self._forgotten += max(learned - REOPENED_PLAYS, 0)
        return True
