"""How near a user's row comes to all of their plays: segments and expected plays worked out from both."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from evaluation.log import Log
from online_models.arrays import I64
from online_models.counts.fold import CountFold
from online_models.counts.of_row import listener_of
from online_models.counts.serving import Served
from online_models.history import HISTORY
from online_models.past import Past
from online_models.segments.features import of_listener
from online_models.segments.fold import SegmentFold
from online_models.segments.of_row import habits_of
from online_models.segments.waiting import EXPLORING, RETURNING

USERS_MAX: Final = 1_000
"""Listeners compared: those who played last."""


def of_segments(log: Log, fold: SegmentFold) -> dict[str, Any]:
    """Per target: mean difference of the probability, and how often both say the same of more or less than a half."""
    track_plays = dict(enumerate(np.bincount(log.track, minlength=log.n_tracks).astype(float).tolist()))
    found: dict[str, list[tuple[float, float]]] = {EXPLORING: [], RETURNING: []}
    served = {target: fold.models[target].served() for target in found}
    for user, rows in _newest(log):
        whole, kept = fold.habits(user), habits_of(_past(log, rows), track_plays)
        assert whole is not None and kept is not None, "who played is known"
        x = [of_listener(habits, fold.clock_ms) for habits in (whole, kept)]
        for target, pairs in found.items():
            pairs.append((served[target].predict(x[0]), served[target].predict(x[1])))
    return {target: _compared(np.array(pairs)) for target, pairs in found.items()}


def of_counts(log: Log, fold: CountFold) -> dict[str, float]:
    """Of plays expected within 7 days: mean by the row and by all plays, and the mean difference."""
    served, pairs = Served(0, 0, np.array([model._weights for model in fold.models])), list[tuple[float, float]]()
    for user, rows in _newest(log):
        at_ms = int(log.at_ms[rows[-1]])
        whole = dict(zip(*(part.tolist() for part in fold.expect(user, at_ms)), strict=True))
        tracks, said = served.expect(listener_of(_past(log, rows)), 0, at_ms)
        pairs += [(whole[track][0], of_row[0]) for track, of_row in zip(tracks.tolist(), said.tolist(), strict=True) if track in whole]
    of_all, of_row = np.array(pairs).T
    return {
        "tracks": len(pairs),
        "expected_by_row": round(float(of_row.mean()), 5),
        "expected_by_all": round(float(of_all.mean()), 5),
        "difference": round(float(np.abs(of_row - of_all).mean()), 5),
    }


def _newest(log: Log) -> list[tuple[int, I64]]:
    """Users who played last, and the rows of the log that are theirs, in order."""
    users = list(dict.fromkeys(log.user[::-1].tolist()))[:USERS_MAX]
    order = np.argsort(log.user, kind="stable")
    bounds = np.searchsorted(log.user[order], np.array([users, [user + 1 for user in users]]))
    return [(user, order[first:end]) for user, first, end in zip(users, *bounds.tolist(), strict=True)]


def _past(log: Log, rows: I64) -> Past:
    """What the row of a user of these plays keeps; how they ended is left out."""
    kept, at_ms = rows[-HISTORY:], log.at_ms[rows]
    sessions = 1 + int(np.count_nonzero(np.diff(at_ms) >= 30 * 60_000))
    return Past(
        track=log.track[kept].astype(np.int64),
        at_ms=log.at_ms[kept] // 1_000 * 1_000,
        flags=np.zeros(len(kept), np.uint8),
        plays=len(rows),
        finishes=0,
        distinct=len(np.unique(log.track[rows])),
        first_ms=int(at_ms[0]),
        sessions=sessions,
    )


def _compared(pairs: np.ndarray) -> dict[str, float]:
    return {
        "listeners": len(pairs),
        "difference": round(float(np.abs(pairs[:, 0] - pairs[:, 1]).mean()), 5),
        "same_side": round(float(((pairs[:, 0] > 0.5) == (pairs[:, 1] > 0.5)).mean()), 5),
    }
