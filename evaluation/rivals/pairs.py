"""Rivals that count pairs of tracks: first-order Markov, co-visits in a window, item-kNN."""

from __future__ import annotations

from typing import Final

import numpy as np

from evaluation.rivals.rival import Task
from evaluation.tables import Rule, new_desk, new_pairs, new_popular, pair_lists, with_room
from online_models.arrays import I32
from online_models.rank import LENGTH

MARKOV: Final = Rule(1, False, False, 1, 1.0, 0.0, 0.0)
"""What followed the last track of the session, by count."""
COVISITS: Final = Rule(10, True, False, 10, 0.7, 1.0, 0.0)
"""What came up to ten plays after each of the session's last ten, near ones first."""
ITEM_KNN: Final = Rule(10, False, True, 5, 0.7, 0.5, 0.5)
"""Cosine between tracks that stood within ten plays of one session, summed over its last five: of ten variants (windows of 10 and
20, over sessions and over users' pasts, with and without decay) the best on the last fifth of the first 60 % of 30Music."""
ITEM_KNN_OF_ALL: Final = Rule(10_000, False, True, 10_000, 1.0, 0.5, 0.5)
"""The same over all that a user ever did, each part alike: where there are no sessions and no repeats."""


class PairTables:
    """Unbounded tables of pairs; popular tracks fill the list where they know too few."""

    answers = None

    def __init__(self, task: Task, rule: Rule) -> None:
        self._task, self._rule, n = task, rule._replace(fresh_only=task.fresh_only), task.log.n_tracks
        self._pairs, self._popular, self._desk = new_pairs(n, 1024), new_popular(n), new_desk(n)

    def lists(self, start: int, stop: int) -> I32:
        """Before each play."""
        log, learn_until = self._task.log, self._task.learn_until
        ties = np.minimum(log.position[start:stop], self._rule.learn_lags).sum() * (2 if self._rule.symmetric else 1)
        self._pairs = with_room(self._pairs, int(self._pairs.n[0] + ties))
        out = np.empty((stop - start, LENGTH), np.int32)
        pair_lists(start, learn_until, log.track, log.session_back, log.user_back, self._rule, self._pairs, self._popular, self._desk, out)
        return out


def item_knn(task: Task) -> PairTables:
    """The variant that fits what is asked."""
    return PairTables(task, ITEM_KNN_OF_ALL if task.fresh_only else ITEM_KNN)
