"""How many plays: a log-linear regression that learns by recursive Newton steps.

The mean is `exp(w · x)`; the noise is that of a negative binomial, `phi * (m + m²/theta)`, because a few listeners play one track a
hundred times: with a Poisson's own variance each of them pulls the weights about (mean deviance .889 against .955 on the first
half of the 30Music sample). One step is an extended Kalman filter's: it knows how sure each weight is, so there is no learning
rate, and correlated features share the blame.

References
----------
West, Harrison, Migon: Dynamic Generalized Linear Models and Bayesian Forecasting, JASA 80 (1985).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, Self

import msgspec
import numpy as np

from online_models.arrays import F32, F64
from online_models.counts.features import FEATURES, N_FEATURES
from online_models.kernel import kernel
from online_models.model import BadLesson, BadSnapshot, refuse_bad

FORMAT: Final = 1
"""Version of the snapshot's layout."""

DISPERSION: Final = 10.0
"""`phi`: how many lessons weigh as one. Those of one moment share a user and a session; 3 to 30 measured within .005."""
THETA: Final = 0.3
"""Shape of the negative binomial: beyond a few plays the spread grows with the mean itself."""
PRIOR_VARIANCE: Final = 0.1
"""Of each weight before the first lesson: a factor of e^.3 per unit of a feature is no surprise."""
PRIOR_MEAN: Final = 0.2
"""Plays expected before the first lesson."""
RESIDUAL_MAX: Final = 10.0
"""A lesson's count may lie this far above what was expected, no more: one afternoon of one listener is not everybody's habit."""
MEAN_FLOOR: Final = 0.1
"""A step is taken for a surprise of RESIDUAL_MAX plays over this at most, or one play of the never expected would count a thousandfold."""
MEMORY_LESSONS: Final = 1e6
"""Old lessons fade with this: measured equal to never on a year of plays, and it goes on learning for ever after."""
LOG_MIN, LOG_MAX = -12.0, 5.0
"""Expected plays lie in [6e-6, 148]."""
COUNT_MAX: Final = 1e4
"""Plays of one track in a month beyond this are no person's."""

WINDOW: Final = 20_000.0
"""Lessons after which a deviance counts 1/e in `scores`."""

# Columns of `score`.
LOSS, LOSS_OF_MEAN, COUNTS, WEIGHT = range(4)
_SCORE_N: Final = 4


@kernel
def expect(weights: F64, x: F32) -> float:
    """Expected plays, given `weights` and `x` (N_FEATURES,)."""
    total = 0.0
    for j in range(weights.shape[0]):
        total += weights[j] * x[j]
    return math.exp(min(max(total, LOG_MIN), LOG_MAX))


@kernel
def deviance(y: float, mean: float) -> float:
    """Poisson deviance of having expected `mean` (> 0) plays when there were `y`."""
    return 2.0 * ((y * math.log(y / mean) if y > 0.0 else 0.0) - (y - mean))


@kernel
def _judge(score: F64, y: float, mean: float, w: float) -> None:
    """Count what was expected before this lesson was learned, beside the running mean, into `score` (4,)."""
    keep = 1.0 - 1.0 / WINDOW
    usual = (score[COUNTS] + PRIOR_MEAN) / (score[WEIGHT] + 1.0)
    score[LOSS] = score[LOSS] * keep + w * deviance(y, mean)
    score[LOSS_OF_MEAN] = score[LOSS_OF_MEAN] * keep + w * deviance(y, usual)
    score[COUNTS] = score[COUNTS] * keep + w * y
    score[WEIGHT] = score[WEIGHT] * keep + w


@kernel
def learn(weights: F64, spread: F64, score: F64, scratch: F64, x: F32, y: float, w: float) -> None:
    """One step of `weights` (n,) and their covariance `spread` (n, n); `scratch` (n,) is overwritten."""
    n = weights.shape[0]
    mean = expect(weights, x)
    _judge(score, y, mean, w)
    along, trace = 0.0, 0.0
    for i in range(n):
        total = 0.0
        for j in range(n):
            total += spread[i, j] * x[j]
        scratch[i] = total
        along += total * x[i]
        trace += spread[i, i]
    gain = 1.0 / (DISPERSION / w * (1.0 / mean + 1.0 / THETA) + along)
    surprise = min((y - mean) / mean, RESIDUAL_MAX / max(mean, MEAN_FLOOR))
    # Where nothing has been learned for long, doubt would grow without bound.
    fade = 1.0 + 1.0 / MEMORY_LESSONS if trace < n * PRIOR_VARIANCE else 1.0
    for i in range(n):
        weights[i] += gain * scratch[i] * surprise
        for j in range(n):
            spread[i, j] = (spread[i, j] - gain * scratch[i] * scratch[j]) * fade


@kernel
def learn_rows(weights: F64, spread: F64, score: F64, scratch: F64, x: F32, y: F64, w: F64) -> None:
    """Lessons `x` (k, n), `y` (k,) of weights `w` (k,), in order."""
    for i in range(y.shape[0]):
        learn(weights, spread, score, scratch, x[i], y[i], w[i])


@kernel
def expect_rows(weights: F64, x: F32, out: F64) -> None:
    """Expected plays of each of `x` (k, n) into `out` (k,)."""
    for i in range(out.shape[0]):
        out[i] = expect(weights, x[i])


class _Meta(msgspec.Struct, frozen=True):
    """The snapshot's part "meta", field for field."""

    format: int
    features: list[str]
    n_lessons: int


class CountModel:
    """Plays of a pair to expect within the horizon that its lessons are about.

    Keeps the promises of `online_models/model.py`, but that it answers with a count: `predict_one` is in (0, 148].

    >>> CountModel().predict_one({"bias": 1.0})
    0.2
    """

    def __init__(self) -> None:
        self._weights: F64 = np.zeros(N_FEATURES)
        self._weights[0] = math.log(PRIOR_MEAN)
        self._spread: F64 = np.eye(N_FEATURES) * PRIOR_VARIANCE
        self._score: F64 = np.zeros(_SCORE_N)
        self._scratch: F64 = np.zeros(N_FEATURES)
        self.n_lessons = 0

    def learn_one(self, x: Mapping[str, float], y: float, w: float = 1.0) -> None:
        """Learn that a pair of features `x` was played `y` times, `w` times as many as were sampled.

        Unknown features are ignored, absent ones are 0. Raises `BadLesson` for values that are not
        finite or out of range, and then nothing has changed.
        """
        refuse_bad(x, w)
        if not 0.0 <= y <= COUNT_MAX:
            raise BadLesson("range", f"{y} plays are not in [0, {COUNT_MAX:g}]")
        learn(self._weights, self._spread, self._score, self._scratch, _row(x), float(y), float(w))
        self.n_lessons += 1

    def learn_many(self, x: F32, y: F64, w: F64) -> None:
        """Lessons `x` (k, N_FEATURES) and `y` (k,) of weights `w` (k,), in order, that a fold made itself: nothing is checked."""
        learn_rows(self._weights, self._spread, self._score, self._scratch, x, y, w)
        self.n_lessons += len(y)

    def predict_one(self, x: Mapping[str, float]) -> float:
        """Expected plays; leaves no trace."""
        return float(expect(self._weights, _row({name: value if math.isfinite(value) else 0.0 for name, value in x.items()})))

    def predict_many(self, x: F32) -> F64:
        """Expected plays of each of `x` (k, N_FEATURES)."""
        out = np.empty(len(x))
        expect_rows(self._weights, x, out)
        return out

    def snapshot(self) -> dict[str, bytes]:
        """Parts "meta" (JSON) and "numbers" (little-endian float64): 2 KB."""
        meta = _Meta(format=FORMAT, features=list(FEATURES), n_lessons=self.n_lessons)
        numbers = np.concatenate([self._weights, self._spread.ravel(), self._score]).astype("<f8")
        assert np.isfinite(numbers).all(), "a lesson that is not finite was learned"
        return {"meta": msgspec.json.encode(meta), "numbers": numbers.tobytes()}

    @classmethod
    def restore(cls, parts: Mapping[str, bytes]) -> Self:
        """The model that made `parts`: it goes on bit-equally. Raises `BadSnapshot` for another format or torn parts."""
        try:
            meta = msgspec.json.decode(parts["meta"], type=_Meta)
            numbers = np.frombuffer(parts["numbers"], "<f8")
        except (msgspec.MsgspecError, LookupError, ValueError) as error:
            raise BadSnapshot(f"parts do not fit together: {error!r}") from error
        if meta.format != FORMAT or meta.features != list(FEATURES) or len(numbers) != N_FEATURES * (N_FEATURES + 1) + _SCORE_N:
            raise BadSnapshot(f"format {meta.format} of {len(meta.features)} features, this build goes on from {FORMAT} of {N_FEATURES}")
        model = cls()
        model._weights, spread, model._score = (part.copy() for part in np.split(numbers, [N_FEATURES, N_FEATURES * (N_FEATURES + 1)]))
        model._spread = spread.reshape(N_FEATURES, N_FEATURES)
        model.n_lessons = meta.n_lessons
        return model

    def serving(self, version: int) -> bytes:
        """JSON: all that is needed to predict."""
        shown: dict[str, Any] = {"version": version, "features": FEATURES, "weights": self._weights.tolist()}
        return msgspec.json.encode(shown)

    def scores(self) -> dict[str, float | str]:
        """Mean Poisson deviance, decayed, beside that of expecting the running mean; 0 before the first lesson."""
        weight = max(float(self._score[WEIGHT]), 1.0)
        return {"deviance": float(self._score[LOSS]) / weight, "deviance_mean": float(self._score[LOSS_OF_MEAN]) / weight}


def _row(x: Mapping[str, float]) -> F32:
    # Single precision, as a question is kept: a lesson by name and by row teach the same. Far values are cut, or they would be infinite.
    return np.array([min(max(x.get(name, 0.0), -1e30), 1e30) for name in FEATURES], np.float32)
