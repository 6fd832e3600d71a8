"""How well are listeners foreseen? Plays in order; at a share of them the play and its listener are asked about.

Each question is answered when it is asked, by models that were taught nothing but answers known by then, and is judged when its own
answer is known. Reported is the second half of each target's questions, in order of asking; what was chosen was chosen on the
first. A log without lengths says nothing of who heard a track out; there the median of the track's earlier plays stands for its length.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final

import numpy as np

from evaluation.bootstrap import ahead
from evaluation.listener_kinds import kinds_of
from evaluation.log import Log
from evaluation.pasts import Pasts
from evaluation.row_agreement import of_segments
from evaluation.segment_rivals import Questions, models, plain
from online_models.arrays import F64, I32, I64
from online_models.contest import CERTAINTY
from online_models.segments.features import HABIT_FEATURES, PLAY_FEATURES, of_listener
from online_models.segments.fold import Answered, SegmentFold
from online_models.segments.model import CONTESTANTS, SegmentModel
from online_models.segments.rule import rule
from online_models.segments.waiting import EXPLORING, FINISHING, RETURNING, TARGETS

CAPACITY: Final = 1 << 18
"""Questions that may wait: two months of the largest log at hand, asked at each fourth play, bring some 65,000."""
SHOW_EVERY: Final = 500
TIMED_N: Final = 500
"""Lessons by which the cost is measured."""
EXAMPLES: Final = 3
"""Listeners whose segments are shown."""

Steps = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Shows progress: what, of how many; the manager gives what is to be told how many are done."""


class TooShort(ValueError):
    """The log ends before anything can be judged."""


class Judged:
    """Collects a target's answered questions."""

    def __init__(self) -> None:
        self.number: list[int] = []
        self.user: list[int] = []
        self.y: list[bool] = []
        self.taught: list[int] = []
        self.said: list[list[float]] = []
        self.x: list[np.ndarray] = []

    def take(self, found: Answered, row: int) -> None:
        """One that taught at `row`; "said" ends with what was served."""
        question = found.question
        self.number.append(question.number)
        self.user.append(question.user)
        self.y.append(found.y)
        self.taught.append(row)
        self.said.append([*(question.said[name] for name in CONTESTANTS), question.said[question.champion]])
        self.x.append(np.array(list(question.x.values()), np.float32))


def evaluate(log: Log, seconds: F64 | None, every: int, seed: int, river: bool, steps: Steps) -> dict[str, Any]:
    """The report, as `--json` prints it.

    Parameters
    ----------
    seconds: (n,) heard of each play; None = the log does not say, and nobody is asked about hearing out.
    every: a question is asked at one play in so many, drawn with `seed`.
    river: also River's logistic regression and its adaptive random forest, on the same questions.

    Raises
    ------
    TooShort : nothing was answered before the log ends
    """
    ask = np.random.default_rng(seed).random(log.n) < 1.0 / every
    fold, judged = SegmentFold(CAPACITY), {target: Judged() for target in TARGETS}
    started_s = time.thread_time()
    rows = _play(log, seconds, ask, fold, judged, steps)
    spent_s = time.thread_time() - started_s
    lessons = sum(len(found.y) for found in judged.values())
    if not lessons:
        raise TooShort("no question about a listener was answered before the log ends")
    return {
        "plays": log.n,
        "users": log.n_users,
        "seed": seed,
        "every": every,
        "lessons": lessons,
        "left_out": fold.waiting.n_left_out,
        "expired": fold.waiting.n_expired,
        "usual_new_of_20": fold.usual_new,
        "us_per_play": round(spent_s / log.n * 1e6, 1),
        "targets": {
            target: _report(_questions(target, judged[target], rows[target]), judged[target], fold, river, seed, steps)
            for target in TARGETS
            if len(judged[target].y) > 1
        },
        "kinds": kinds_of(_questions(EXPLORING, judged[EXPLORING], rows[EXPLORING]), fold.minds.kinds, seed) if judged[EXPLORING].y else {},
        "by_row": of_segments(log, fold),
        "examples": _examples(log, fold),
    }


def _play(
    log: Log, seconds: F64 | None, ask: np.ndarray, fold: SegmentFold, judged: dict[str, Judged], steps: Steps
) -> dict[str, list[int]]:
    """Fills `judged`; returns the rows at which questions were asked, by target and number."""
    pasts, rows = Pasts(), {target: list[int]() for target in TARGETS}
    plays = zip(log.user.tolist(), log.track.tolist(), log.at_ms.tolist(), ask.tolist(), strict=True)
    with steps("plays", log.n) as show:
        for row, (user, track, at_ms, asks) in enumerate(plays):
            play = pasts.play(user, track, at_ms, float(seconds[row]) if seconds is not None else None)
            for found in fold.play_one(play, ask_play=asks, ask_listener=asks):
                judged[found.question.target].take(found, row)
            for target, asked in rows.items():
                asked.extend([row] * (fold.waiting.n_asked.get(target, 0) - len(asked)))
            if row % SHOW_EVERY == 0:
                show(row)
    return rows


def _questions(target: str, judged: Judged, asked: list[int]) -> Questions:
    order = np.argsort(judged.number)
    return Questions(
        target=target,
        features=PLAY_FEATURES if target == FINISHING else HABIT_FEATURES,
        x=np.array(judged.x)[order],
        user=np.array(judged.user, np.int32)[order],
        y=np.array(judged.y)[order],
        asked=np.array(asked, np.int64)[np.array(judged.number)[order]],
        taught=np.array(judged.taught, np.int64)[order],
    )


def _report(questions: Questions, judged: Judged, fold: SegmentFold, river: bool, seed: int, steps: Steps) -> dict[str, Any]:
    said = np.array(judged.said)[np.argsort(judged.number)]
    half = len(said) // 2
    user, y, served = questions.user[half:], questions.y[half:], said[half:, -1]
    rivals = plain(questions.target)
    with steps(f"rivals of {questions.target}", len(rivals)) as show:
        plainly = {}
        for n, (name, rival) in enumerate(rivals.items(), 1):
            plainly[name] = rival(questions)[half:]
            show(n)
    others = {name: rival(questions)[half:] for name, rival in models(questions.target, river).items()}
    losses = {name: float(log_losses(p, y).mean()) for name, p in plainly.items()}
    best = min(losses, key=lambda name: (losses[name], name))

    def beside(p: F64) -> dict[str, Any]:
        return {**_figures(p, y), "ahead": _ahead(served, p, y, user, seed)}

    columns = dict(zip(CONTESTANTS, said[half:].T, strict=False))
    return {
        "tested": len(y),
        "yes_share": round(float(y.mean()), 5),
        **_figures(served, y),
        "champion": fold.models[questions.target].champion,
        "models": {name: beside(p) for name, p in columns.items()},
        "forest_gain": _ahead(columns["forest"], columns["tree"], y, user, seed),
        "us_per_lesson": _us_per_lesson(fold.models[questions.target], questions),
        "trees_replaced": fold.models[questions.target].n_replaced,
        "best_rival": best,
        "ahead_of_best": _ahead(served, plainly[best], y, user, seed),
        "rivals": {name: beside(p) for name, p in plainly.items()},
        "others": {name: beside(p) for name, p in others.items()},
    }


def _us_per_lesson(model: SegmentModel, questions: Questions) -> float:
    """CPU of an answer and a lesson, on a copy of the model as it is at the end."""
    copy = type(model).restore(model.snapshot())
    lessons = [dict(zip(questions.features, x, strict=True)) for x in questions.x[-TIMED_N:].tolist()]
    started_s = time.thread_time()
    for x, y in zip(lessons, questions.y[-TIMED_N:].tolist(), strict=True):
        copy.predict_one(x)
        copy.learn_one(x, y)
    return round((time.thread_time() - started_s) / len(lessons) * 1e6, 1)


def log_losses(p: F64, y: np.ndarray) -> F64:
    """Log-loss of each (k,) in nats; probabilities are held off 0 and 1 as in `online_models/contest.py`.

    >>> log_losses(np.array([0.5, 1.0]), np.array([True, False])).round(3).tolist()
    [0.693, 6.908]
    """
    held = np.clip(p, CERTAINTY, 1.0 - CERTAINTY)
    return -np.log(np.where(y, held, 1.0 - held))


def _figures(p: F64, y: np.ndarray) -> dict[str, float]:
    loss, right = log_losses(p, y).mean(), ((p > 0.5) == y).mean()
    return {"log_loss": round(float(loss), 5), "accuracy": round(float(right), 5), "auc": round(_auc(p, y), 5)}


def _auc(p: F64, y: np.ndarray) -> float:
    """Chance that a yes was given more than a no; equals count half."""
    _, inverse, counts = np.unique(p, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2.0)[inverse]
    n_yes = int(y.sum())
    if n_yes in (0, len(y)):
        return 0.5
    return float((ranks[y].sum() - n_yes * (n_yes + 1) / 2.0) / (n_yes * (len(y) - n_yes)))


def _ahead(mine: F64, theirs: F64, y: np.ndarray, user: I32 | I64, seed: int) -> dict[str, list[float]]:
    """How much less log-loss, and how much more accuracy, mine has than theirs, with intervals."""
    ours, others = (((p > 0.5) == y).astype(np.float64) for p in (mine, theirs))
    codes = user.astype(np.int32)
    return {"log_loss": ahead(log_losses(theirs, y), log_losses(mine, y), codes, seed), "accuracy": ahead(ours, others, codes, seed)}


def _examples(log: Log, fold: SegmentFold) -> list[dict[str, Any]]:
    """The segments of those who played last, with the tree's rules that put them there."""
    users = list(dict.fromkeys(log.user[::-1][: 50 * EXAMPLES].tolist()))[:EXAMPLES]
    found = []
    for user in users:
        habits = fold.habits(user)
        assert habits is not None, "who played is known"
        x = of_listener(habits, fold.clock_ms)
        for target in (EXPLORING, RETURNING):
            served = fold.models[target].served()
            said = {"probability": round(served.predict(x), 4), "by": served.champion, "rule": rule(served.bounds(x))}
            found.append({"user": user, "target": target, **said})
    return found
