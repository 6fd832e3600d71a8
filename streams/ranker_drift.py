"""The ranker's drift: where its live hit rate falls, its steps become large again, and that is a decision which is published.

A plays worker ranks with one set of weights for all its partitions, so it watches one measure: whether each tested play stood in the list
that was live before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from online_models.drift import Change, Watched
from online_models.weights import Weights
from streams.contract import Decision
from streams.model_decisions import RANKER, drifted
from streams.round_work import RoundWork


class Watch(Protocol):
    """Judges tests, and acts on them (`online_models/drift.py`)."""

    def judge(self, hits: Sequence[float]) -> list[Change]: ...


class RankerDrift:
    """Watches the rounds of one worker.

    Parameters
    ----------
    weights: what the ranker has learned; an alarm changes them.
    on: False = nothing is watched.

    Attributes
    ----------
    untold: decisions that no apply has taken along yet, oldest first. What a refused one held, the next takes along.
    """

    def __init__(self, weights: Weights, on: bool) -> None:
        self.watch: Watch = Watched(weights)
        self._on = on
        self.untold: list[Decision] = []

    def look(self, w: RoundWork) -> bool:
        """Take the round's tests; says whether they raised an alarm."""
        if not self._on:
            return False
        falls = self.watch.judge((w.out.rank[w.out.in_session.view(np.bool_)] > 0).tolist())
        if falls:
            tested = np.flatnonzero(w.out.in_session)
            self.untold += [_decision(w, int(tested[fall.at]), fall) for fall in falls]
        return bool(falls)

    def told(self, decided: list[Decision]) -> None:
        """An apply that stands took these along: from now on `pending` answers for them."""
        self.untold = [decision for decision in self.untold if decision not in decided]


def _decision(w: RoundWork, event: int, fall: Change) -> Decision:
    """The event tells it from others of this worker, and the claim's token from those of an owner before who came to the same event."""
    k = int(w.part[event])
    partition, record = w.taken[k].partition, w.taken[k].records[event - w.first[k]]
    detail: dict[str, str | float] = {"measure": "hr20", "before": fall.before, "after": fall.lately}
    cause = f"{partition.n}-{record.offset}-{partition.token[:8]}"
    return drifted(partition.incarnation, RANKER, cause, int(w.events.at_ms[event]), detail)
