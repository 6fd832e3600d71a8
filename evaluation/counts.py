"""How well are repeats foreseen, and ranked? Plays in order; after a share of them the user's newest tracks are asked about.

A question is answered when it is asked, with models that were taught nothing but labels that were ripe by then; it is judged
when its own label is ripe. Questions whose days reach beyond the log are never judged. Reported is the second half of each
horizon's questions, in order of asking; whatever was chosen was chosen on the first.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final, NamedTuple

import numpy as np

from evaluation.bootstrap import saved
from evaluation.count_rivals import ORDERS, RIVALS, Asked, asked
from evaluation.count_river import river_rivals
from evaluation.deviance import deviances
from evaluation.log import Log
from evaluation.repeat_order import compared
from evaluation.row_agreement import of_counts
from online_models.arrays import F32, F64, I64
from online_models.counts.features import FEATURES
from online_models.counts.fold import CountFold
from online_models.counts.pending import DAY_MS, HORIZONS_MS, Ripe
from online_models.counts.regression import CountModel

CAPACITY: Final = 1 << 19
"""Rows that may wait: a month of the largest log at hand with a question after each eighth play has 222,000."""
SHOW_EVERY: Final = 1_000
TIMED_N: Final = 2_000
"""Lessons by which the cost is measured."""

Steps = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Shows progress: what, of how many; the manager gives what is to be told how many are done."""


class TooShort(ValueError):
    """The log ends before anything can be judged."""


class Answers(NamedTuple):
    """Questions of one horizon that were judged (k,), in order of asking."""

    questions: Asked
    x: F32
    said: F64


def evaluate(log: Log, every: int, seed: int, river_every: int, steps: Steps) -> dict[str, Any]:
    """The report, as `--json` prints it.

    Parameters
    ----------
    every: a question is asked after one play in so many, drawn with `seed`.
    river_every: River's regressors answer one moment in so many; 0 = none.

    Raises
    ------
    TooShort : the log ends before the first question of a horizon is ripe
    """
    ask = np.random.default_rng(seed).random(log.n) < 1.0 / every
    fold = CountFold(CAPACITY)
    started_s = time.thread_time()
    ripe, row = _play(log, ask, fold, steps)
    spent_s = time.thread_time() - started_s
    horizons = [_answers(row, found, h) for h, found in enumerate(ripe)]
    return {
        "plays": log.n,
        "users": log.n_users,
        "tracks": log.n_tracks,
        "seed": seed,
        "every": every,
        "moments": int(ask.sum()),
        "asked": fold.pending.n_asked,
        "left_out": fold.pending.n_left_out,
        "features": list(FEATURES),
        "us_per_play": round(spent_s / log.n * 1e6, 1),
        "us_per_lesson": _us_per_lesson(fold, horizons[0]),
        "by_row": of_counts(log, fold),
        "horizons": {f"{found.questions.days:g} days": _report(found, log, seed) for found in horizons},
        "river": river_rivals(horizons[0].questions, horizons[0].x, horizons[0].said, river_every, seed, steps) if river_every else {},
    }


def _play(log: Log, ask: np.ndarray, fold: CountFold, steps: Steps) -> tuple[list[list[Ripe]], I64]:
    """What ripened, by horizon, and the row of the log after which each question was asked, by number."""
    ripe: list[list[Ripe]] = [[] for _ in HORIZONS_MS]
    n_asked = np.zeros(log.n, np.int64)
    plays = zip(log.user.tolist(), log.track.tolist(), log.at_ms.tolist(), ask.tolist(), strict=True)
    with steps("plays", log.n) as show:
        for row, (user, track, at_ms, asks) in enumerate(plays):
            for found in fold.play_one(user, track, at_ms, ask=asks):
                ripe[found.horizon].append(found)
            n_asked[row] = fold.pending.n_asked
            if row % SHOW_EVERY == 0:
                show(row)
    return ripe, np.repeat(np.arange(log.n), np.diff(n_asked, prepend=0))


def _answers(row: I64, ripe: list[Ripe], horizon: int) -> Answers:
    """The questions of a horizon; those that are not ripe are the last ones."""

    def column(name: str) -> np.ndarray:
        return np.concatenate([getattr(found, name) for found in ripe])

    if not ripe:
        raise TooShort(f"no question is {HORIZONS_MS[horizon] // DAY_MS} days old when the log ends")
    plays = column("plays")
    questions = asked(column("user"), column("track"), column("asked_ms"), row[: len(plays)], plays, HORIZONS_MS[horizon])
    return Answers(questions, column("x"), column("said"))


def _report(found: Answers, log: Log, seed: int) -> dict[str, Any]:
    """Deviance on the second half, beside the rivals'; the first half's too, where choices were made. And the order on the second half."""
    questions, half = found.questions, len(found.said) // 2
    mine = deviances(questions.plays, found.said)
    expected = {name: rival(questions, log) for name, rival in RIVALS.items()}
    theirs = {name: deviances(questions.plays, said) for name, said in expected.items()}
    orders = {name: order(questions, log) for name, order in ORDERS.items()}
    means = {name: float(loss[half:].mean()) for name, loss in theirs.items()}
    best = min(means, key=lambda name: (means[name], name))
    return {
        "tested": len(mine) - half,
        "plays_mean": _round(questions.plays[half:].mean()),
        "expected_mean": _round(found.said[half:].mean()),
        "deviance": _round(mine[half:].mean()),
        "first_half_deviance": _round(mine[:half].mean()),
        "best_rival": best,
        "below_best": saved(mine[half:], theirs[best][half:], questions.user[half:], seed),
        "rivals": {
            name: {
                "deviance": _round(loss[half:].mean()),
                "first_half_deviance": _round(loss[:half].mean()),
                "below": saved(mine[half:], loss[half:], questions.user[half:], seed),
            }
            for name, loss in theirs.items()
        },
        "order": compared(questions, found.said, expected | orders, half, seed),
    }


def _us_per_lesson(fold: CountFold, found: Answers) -> float:
    """CPU of a prediction and a lesson given by name, as a worker would take them from a topic."""
    model = CountModel.restore(fold.models[0].snapshot())
    lessons = [dict(zip(FEATURES, x, strict=True)) for x in found.x[-TIMED_N:].tolist()]
    counts = found.questions.plays[-TIMED_N:].tolist()
    started_s = time.thread_time()
    for x, count in zip(lessons, counts, strict=True):
        model.predict_one(x)
        model.learn_one(x, count)
    return round((time.thread_time() - started_s) / len(lessons) * 1e6, 1)


def _round(value: float) -> float:
    return round(float(value), 5)
