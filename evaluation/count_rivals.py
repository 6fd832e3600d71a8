"""Plain ways to say how often a pair will be played: each is a running rate of labels that were ripe when the question was asked.

All are brought to the right level by one running factor, so that a rival loses by whom it takes for whom, not by its scale.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from evaluation.log import Log, dense
from online_models.arrays import F64, I32, I64
from online_models.counts.pending import DAY_MS
from online_models.counts.regression import PRIOR_MEAN
from online_models.kernel import kernel

USER_PRIOR: Final = 20.0
TRACK_PRIOR: Final = 20.0
"""Labels that everybody's mean counts for beside a user's or a track's own; of 5, 20 and 60 the best on the first half."""
PAIR_PRIOR: Final = 0.3
"""Plays that a pair is credited with before its second, in as many days as the question is about; of .3, 1 and 3 plays in
1, 3, 7 and 30 days the best on the first half, where the label's mean is a tenth of it."""
LEVEL_PRIOR: Final = 10.0
"""Lessons before a rival's level is its own."""


class Asked(NamedTuple):
    """Questions (k,) in order of asking, with the label each got."""

    user: I32
    track: I32
    asked_ms: I64
    row: I64
    """Row of the log after which it was asked."""
    known: I64
    """Questions whose labels were ripe by then: the first so many."""
    plays: F64
    days: float


def asked(user: I32, track: I32, asked_ms: I64, row: I64, plays: F64, horizon_ms: int) -> Asked:
    """The questions, and how many labels were ripe when each was asked."""
    known = np.searchsorted(asked_ms + horizon_ms, asked_ms, side="left").astype(np.int64)
    return Asked(user, track, asked_ms, row, known, plays, horizon_ms / DAY_MS)


def everyone(questions: Asked, log: Log) -> F64:
    """The mean of all ripe labels (k,)."""
    return _rates(np.zeros(len(questions.user), np.int32), questions, 1.0)


def user_rate(questions: Asked, log: Log) -> F64:
    """The user's mean, drawn towards everybody's."""
    return _rates(questions.user, questions, USER_PRIOR)


def track_rate(questions: Asked, log: Log) -> F64:
    """The track's mean, drawn towards everybody's."""
    return _rates(questions.track, questions, TRACK_PRIOR)


def pair_rate(questions: Asked, log: Log) -> F64:
    """Plays of the pair since its first one per day, drawn towards a prior rate (Gamma-Poisson)."""
    n, since_ms = _past(questions, log)
    raw = (n - 1.0 + PAIR_PRIOR) / (since_ms / DAY_MS + questions.days) * questions.days
    return _levelled(raw, questions)


def pair_by_user_rate(questions: Asked, log: Log) -> F64:
    """As `pair_rate`, drawn towards the user's own mean instead."""
    n, since_ms = _past(questions, log)
    own = _rates(questions.user, questions, USER_PRIOR) / np.maximum(everyone(questions, log), 1e-9)
    raw = (n - 1.0 + PAIR_PRIOR * own) / (since_ms / DAY_MS + questions.days) * questions.days
    return _levelled(raw, questions)


RIVALS: Final = {
    "everybody's mean": everyone,
    "the user's rate": user_rate,
    "the track's rate": track_rate,
    "the pair's rate": pair_rate,
    "the pair's and the user's rate": pair_by_user_rate,
}
"""Name -> what it expects of questions."""


def played_last(questions: Asked, log: Log) -> F64:
    """An order alone: the pair's last play (k,), as a row of the log."""
    keys, _, end = _plays_so_far(questions, log)
    return (keys[end - 1] % log.n).astype(np.float64)


def played_most(questions: Asked, log: Log) -> F64:
    """An order alone: plays of the pair (k,), of as many the one played last first."""
    return _past(questions, log)[0] + played_last(questions, log) / log.n


ORDERS: Final = {"last played first": played_last, "most played first": played_most}
"""Rivals that expect nothing and only rank, highest first."""


def _past(questions: Asked, log: Log) -> tuple[F64, F64]:
    """Plays of each question's pair up to its moment (k,), and ms since the first of them (k,)."""
    keys, begin, end = _plays_so_far(questions, log)
    return (end - begin).astype(np.float64), (questions.asked_ms - log.at_ms[keys[begin] % log.n]).astype(np.float64)


def _plays_so_far(questions: Asked, log: Log) -> tuple[I64, I64, I64]:
    """Sorted keys (n,) of all plays, whose remainder by log.n is their row; where those of each question's pair up to its moment
    begin (k,) and end (k,)."""
    pair = dense(np.concatenate([_pairs(log.user, log.track, log), _pairs(questions.user, questions.track, log)]))
    of_plays, of_questions = pair[: log.n].astype(np.int64), pair[log.n :].astype(np.int64)
    # One key per (pair, row): the plays of a pair stand together, in order of time.
    keys = np.sort(of_plays * log.n + np.arange(log.n))
    begin = np.searchsorted(keys, of_questions * log.n)
    end = np.searchsorted(keys, of_questions * log.n + questions.row, side="right")
    return keys, begin, end


def _pairs(user: I32, track: I32, log: Log) -> I64:
    return user.astype(np.int64) * log.n_tracks + track


def _rates(group: I32, questions: Asked, prior: float) -> F64:
    out, n_groups = np.empty(len(group)), int(group.max(initial=-1)) + 1
    _rate_kernel(group, questions.plays, questions.known, prior, np.zeros((n_groups, 2)), out)
    return out


def _levelled(raw: F64, questions: Asked) -> F64:
    out = np.empty(len(raw))
    _level_kernel(raw, questions.plays, questions.known, out)
    return out


@kernel
def _rate_kernel(group: I32, plays: F64, known: I64, prior: float, sums: F64, out: F64) -> None:
    """Mean label per group so far into `out` (k,); `sums` (n_groups, 2) is scratch."""
    taken, total, n = 0, PRIOR_MEAN * LEVEL_PRIOR, LEVEL_PRIOR
    for i in range(out.shape[0]):
        while taken < known[i]:
            sums[group[taken], 0] += plays[taken]
            sums[group[taken], 1] += 1.0
            total += plays[taken]
            n += 1.0
            taken += 1
        out[i] = (sums[group[i], 0] + prior * total / n) / (sums[group[i], 1] + prior)


@kernel
def _level_kernel(raw: F64, plays: F64, known: I64, out: F64) -> None:
    """`raw` (k,) times the ratio of labels to what was said of them, so far, into `out` (k,)."""
    taken, total, said = 0, PRIOR_MEAN * LEVEL_PRIOR, PRIOR_MEAN * LEVEL_PRIOR
    for i in range(out.shape[0]):
        while taken < known[i]:
            total += plays[taken]
            said += raw[taken]
            taken += 1
        out[i] = raw[i] * total / said
