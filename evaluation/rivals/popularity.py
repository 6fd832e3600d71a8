"""The most played tracks, for everybody alike: of all time, or with plays that fade."""

from __future__ import annotations

from typing import Final

import numpy as np

from evaluation.rivals.rival import Task
from evaluation.tables import new_desk, new_popular, popular_lists
from online_models.arrays import I32
from online_models.rank import LENGTH

DAY_MS: Final = 86_400_000
HALFLIFE_DAYS: Final = 1.0
"""Of 1, 2, 3, 7, 14, 30 and 60 days the best on the last fifth of the first 60 % of 30Music."""

HALFLIFE_OF_RATINGS_DAYS: Final = 60.0
"""Of 1, 7, 14, 30, 60 and 120 days the best on the last fifth of the first 60 % of the ratings of 5 in MovieLens 100K."""


class Popularity:
    """One list for all.

    Parameters
    ----------
    halflife_days: a play counts half after so long; None = for ever.
    """

    answers = None

    def __init__(self, task: Task, halflife_days: float | None = None) -> None:
        self._task, log = task, task.log
        self._popular, self._desk = new_popular(log.n_tracks), new_desk(log.n_tracks)
        age_ms = (log.at_ms - log.at_ms[:1]).astype(np.float64)
        self._halvings = age_ms / (halflife_days * DAY_MS) if halflife_days else np.zeros(log.n)

    def lists(self, start: int, stop: int) -> I32:
        """Before each play."""
        out = np.empty((stop - start, LENGTH), np.int32)
        log, task = self._task.log, self._task
        popular_lists(start, task.learn_until, log.track, log.user_back, self._halvings, task.fresh_only, self._popular, self._desk, out)
        return out


def decayed(task: Task) -> Popularity:
    """Plays that fade, as fast as suits what is asked."""
    return Popularity(task, HALFLIFE_OF_RATINGS_DAYS if task.fresh_only else HALFLIFE_DAYS)
