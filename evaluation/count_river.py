"""River's regressors on the same questions: what a library gives without a model of one's own.

They cost 50 to 1,000 us per lesson, so they answer one moment in so many and learn its rows only; ours is judged on the same
questions, though it was taught all. Each learns a label when it is ripe, and answers before.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final

import numpy as np
from river.base import Regressor
from river.linear_model import LinearRegression
from river.optim import AdaGrad
from river.optim.losses import Poisson
from river.preprocessing import StandardScaler
from river.tree import HoeffdingTreeRegressor

from evaluation.bootstrap import saved
from evaluation.count_rivals import Asked
from evaluation.deviance import deviances
from online_models.arrays import F32, F64
from online_models.counts.features import FEATURES

EXPECTED_MIN: Final = 1e-3
"""A tree's leaf may say 0 or less, which would cost an infinite deviance; of .001, .003 and .01 chosen on the first half."""
EXPECTED_MAX: Final = 150.0
GRADIENT_MAX: Final = 10.0

MODELS: Final[dict[str, Callable[[], Any]]] = {
    "Poisson regression": lambda: StandardScaler() | LinearRegression(AdaGrad(0.02), loss=Poisson(), clip_gradient=GRADIENT_MAX),
    "Hoeffding tree": lambda: HoeffdingTreeRegressor(grace_period=400, max_depth=8, leaf_prediction="mean"),
}


def river_rivals(
    questions: Asked, x: F32, said: F64, every: int, seed: int, steps: Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
) -> dict[str, Any]:
    """Per model: mean deviance of the second half, ours on the same questions, what ours saves, and CPU per lesson."""
    moment = np.cumsum(np.concatenate([[True], np.diff(questions.row) > 0]))
    kept = np.flatnonzero(moment % every == 0)
    found: dict[str, Any] = {}
    for name, make in MODELS.items():
        with steps(f"River's {name}", len(kept)) as show:
            expected, us_per_lesson = _answer(make(), questions, x, kept, show)
        half = kept[len(kept) // 2 :]
        mine = deviances(questions.plays[half], said[half])
        theirs = deviances(questions.plays[half], expected[len(kept) // 2 :])
        found[name] = {
            "tested": len(half),
            "deviance": round(float(theirs.mean()), 5),
            "ours": round(float(mine.mean()), 5),
            "below": saved(mine, theirs, questions.user[half], seed),
            "us_per_lesson": us_per_lesson,
        }
    return found


def _answer(model: Regressor, questions: Asked, x: F32, kept: np.ndarray, show: Callable[[int], None]) -> tuple[F64, float]:
    """Expected plays of the questions `kept` (k,), test then learn, and CPU per lesson."""
    waiting, said, taught = 0, np.empty(len(kept)), 0.0
    rows = [dict(zip(FEATURES, values, strict=True)) for values in x[kept].tolist()]
    known, counts = questions.known[kept].tolist(), questions.plays[kept].tolist()
    for n, row in enumerate(rows):
        started_s = time.thread_time()
        while kept[waiting] < known[n]:
            model.learn_one(rows[waiting], counts[waiting])
            waiting += 1
        said[n] = model.predict_one(row)
        taught += time.thread_time() - started_s
        show(n + 1)
    return np.clip(said, EXPECTED_MIN, EXPECTED_MAX), round(taught / max(waiting, 1) * 1e6, 1)
