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


class PairTables:
    """Unbounded tables of pairs; popular tracks fill the list where they know too few."""

    answers = None

    def __init__(self, task: Task, rule: Rule) -> None:
        log = self._log = task.log
        self._learn_until, self._rule = task.learn_until, rule
        self._pairs, self._popular, self._desk = new_pairs(log.n_tracks, 1024), new_popular(log.n_tracks), new_desk(log.n_tracks)

    def lists(self, start: int, stop: int) -> I32:
        """Before each play."""
        per_play = self._rule.learn_lags * (2 if self._rule.symmetric else 1)
        self._pairs = with_room(self._pairs, int(self._pairs.n[0]) + per_play * (stop - start))
        out = np.empty((stop - start, LENGTH), np.int32)
        pair_lists(
            start, self._learn_until, self._log.track, self._log.session_back, self._rule, self._pairs, self._popular, self._desk, out
        )
        return out
