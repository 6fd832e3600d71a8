"""Plain ways to answer the questions about listeners: the share of yes so far, over all, by listener, or by one feature.

And what this project or River has for the same: the finish model, River's logistic regression, and its adaptive random forest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from river.forest import ARFClassifier
from river.linear_model import LogisticRegression
from river.optim import SGD
from river.preprocessing import StandardScaler

from evaluation.log import dense
from online_models.arrays import F32, F64, I32, I64
from online_models.finish import FinishModel
from online_models.finish_features import SKIP_PRIOR
from online_models.segments.waiting import EXPLORING, FINISHING, RETURNING

BINS: Final = 10
EDGES_FROM: Final = 5_000
"""Questions whose features say where a feature's bins begin: no label is looked at."""
BIN_PRIOR, USER_PRIOR = 5.0, 3.0
"""Answers that everybody's share counts for."""
ARF_TREES: Final = 10

SINGLE: Final[dict[str, tuple[str, ...]]] = {
    EXPLORING: ("new_share_of_last_20", "new_share"),
    RETURNING: ("plays_of_week_log", "return_share", "hours_away_usually_log", "visits_of_fortnight_log"),
    FINISHING: ("user_finish_share", "user_finish_share_lately", "track_finish_share"),
}
"""Features that could answer a target alone."""


class Questions(NamedTuple):
    """Questions of one target that were answered (k,), in order of asking."""

    target: str
    features: tuple[str, ...]
    x: F32  # (k, features)
    user: I32
    y: np.ndarray  # (k,) bool
    asked: I64
    """Row of the log at which each was asked, and at which its answer taught: before the questions of the same row."""
    taught: I64


Rival = Callable[[Questions], F64]


def plain(target: str) -> dict[str, Rival]:
    """Name -> what it says of a target's questions: each a probability of yes."""
    found: dict[str, Rival] = {"everybody's share": _everybody, "the listener's share": _listener}
    return found | {f"by {name.removesuffix('_log').replace('_', ' ')}": _by(name) for name in SINGLE[target]}


def models(target: str, river: bool) -> dict[str, Rival]:
    """Other models for the same, by name."""
    found: dict[str, Rival] = {"the finish model": _finish} if target == FINISHING else {}
    if river:
        found["River's logistic regression"] = _river(lambda: StandardScaler() | LogisticRegression(SGD(0.01), intercept_lr=0.01))
        found["River's adaptive forest"] = _river(lambda: ARFClassifier(n_models=ARF_TREES, seed=1, max_depth=8, leaf_prediction="mc"))
    return found


def _everybody(questions: Questions) -> F64:
    return _shares(np.zeros(len(questions.y), np.int32), questions, 1.0)


def _listener(questions: Questions) -> F64:
    return _shares(dense(questions.user), questions, USER_PRIOR)


def _by(name: str) -> Rival:
    def said(questions: Questions) -> F64:
        values = questions.x[:, questions.features.index(name)]
        edges = np.unique(np.quantile(values[:EDGES_FROM], np.linspace(0.0, 1.0, BINS + 1)[1:-1]))
        return _shares(np.searchsorted(edges, values).astype(np.int32), questions, BIN_PRIOR)

    return said


def _in_order(questions: Questions) -> Iterator[tuple[int, bool]]:
    """(question, is it asked?) as they came: answers of a row teach before its questions are asked."""
    order = np.argsort(questions.taught, kind="stable").tolist()
    taught = questions.taught.tolist()
    at = 0
    for k, row in enumerate(questions.asked.tolist()):
        while at < len(order) and taught[order[at]] <= row:
            yield order[at], False
            at += 1
        yield k, True


def _shares(group: I32, questions: Questions, prior: float) -> F64:
    """Share of yes by group so far (k,), drawn to everybody's."""
    sums, groups, ys = np.zeros((int(group.max(initial=0)) + 1, 2)), group.tolist(), questions.y.tolist()
    said, yes, n = np.empty(len(ys)), 1.0, 2.0
    for k, asked in _in_order(questions):
        own = sums[groups[k]]
        if asked:
            said[k] = (own[0] + prior * yes / n) / (own[1] + prior)
        else:
            own += (ys[k], 1.0)
            yes, n = yes + ys[k], n + 1.0
    return said


def _finish(questions: Questions) -> F64:
    """`online_models/finish.py`, given what it would be given: it knows skips, of which such a log says nothing."""
    model = FinishModel()

    def asked_as(x: Mapping[str, float]) -> dict[str, float]:
        same = ("user_finish_share", "track_finish_share", "track_plays_log", "known_to_user", "hour_sin", "hour_cos")
        skips = {"user_skip_share": SKIP_PRIOR, "track_skip_share": SKIP_PRIOR}
        position = math.expm1(x["session_plays_log"])
        own = {"user_plays_log": x["plays_log"], "duration_log": x["length_seconds_log"], "session_position": position, "bias": 1.0}
        return {name: x[name] for name in same} | skips | own

    return _taught(questions, lambda x: model.predict_one(asked_as(x)), lambda x, y: model.learn_one(asked_as(x), y))


def _river(make: Callable[[], Any]) -> Rival:
    def said(questions: Questions) -> F64:
        model = make()
        return _taught(questions, lambda x: model.predict_proba_one(x).get(True, 0.5), model.learn_one)

    return said


def _taught(questions: Questions, say: Callable[[dict[str, float]], float], learn: Callable[[dict[str, float], bool], object]) -> F64:
    """What a model says (k,), test then learn in the order in which everybody learned."""
    said, ys = np.empty(len(questions.y)), questions.y.tolist()
    for k, asked in _in_order(questions):
        x = dict(zip(questions.features, questions.x[k].tolist(), strict=True))
        if asked:
            said[k] = say(x)
        else:
            learn(x, ys[k])
    return said
