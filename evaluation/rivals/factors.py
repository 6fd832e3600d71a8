"""Matrix factorisation as River has it: `reco.BiasedMF`, one play at a time, tested on a sample because it is slow.

Plays have no ratings: a play is learned as 1, and beside it a track drawn from those met so far as 0, without which the
model has nothing to tell tracks apart by. Every track met so far is a candidate.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from river import reco

from evaluation.rivals.rival import Task
from online_models.arrays import I32
from online_models.rank import LENGTH

SAMPLE: Final = 500
"""Plays it is tested on: to rank 10,000 tracks takes it 26 ms."""
FACTORS: Final = 10
"""River's default."""


class Factors:
    """Learns every play, answers a sample of the reported ones."""

    def __init__(self, task: Task) -> None:
        self._task, self._log, self._learn_until = task, task.log, task.learn_until
        self._rng = np.random.default_rng(task.seed)
        asked = np.flatnonzero(task.reported)
        self.answers = np.zeros(task.log.n, np.bool_)
        self.answers[self._rng.choice(asked, min(SAMPLE, len(asked)), replace=False)] = True
        self._model: Any = reco.BiasedMF(n_factors=FACTORS, seed=task.seed)
        # Tracks are coded in the order in which they are first met: those met before a row are the codes below this.
        self._n_met = np.maximum.accumulate(task.log.track) + 1

    def lists(self, start: int, stop: int) -> I32:
        """Before each play; empty where it is not in the sample."""
        out = np.full((stop - start, LENGTH), -1, np.int32)
        users, tracks = self._log.user[start:stop].tolist(), self._log.track[start:stop].tolist()
        strangers = (self._rng.random(stop - start) * self._n_met[start:stop]).astype(np.int32).tolist()
        for k, (user, track, stranger) in enumerate(zip(users, tracks, strangers, strict=True)):
            if self.answers[start + k]:
                ranked = self._model.rank(user, self._candidates(start + k))[:LENGTH]
                out[k, : len(ranked)] = ranked
            if start + k < self._learn_until:
                self._model.learn_one(user, track, 1.0)
                if stranger != track:
                    self._model.learn_one(user, stranger, 0.0)
        return out

    def _candidates(self, row: int) -> list[int]:
        """Tracks that were learned before a row, without the user's own where those are not asked for."""
        last = min(row, self._learn_until) - 1
        known, back = set[int](), row
        while self._task.fresh_only and (back := int(self._log.user_back[back])) >= 0:
            known.add(int(self._log.track[back]))
        return [track for track in range(int(self._n_met[last]) if last >= 0 else 0) if track not in known]
