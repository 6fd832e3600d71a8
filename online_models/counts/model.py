"""The play counts as a worker runs them: listening lessons in, a taught pair of regressions out.

Each partition of events has a fold of its own (`fold.py`), because labels ripen by the time of the partition that a user is in: a
partition that is read again, or lags behind, teaches as it would have in time. All folds teach the same two regressions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Self

import msgspec
import numpy as np

from online_models.audience import Audience
from online_models.contest import held
from online_models.counts.fold import CountFold
from online_models.counts.listener import TRACKS
from online_models.counts.pending import DAY_MS, HORIZONS_MS, N_HORIZONS
from online_models.counts.regression import THETA, CountModel
from online_models.counts.serving import Served, encode_serving
from online_models.listened import Listened, Relative, asked, read
from online_models.model import BadSnapshot
from online_models.parts import joined, split, under

FORMAT: Final = 1
"""Version of the snapshot's layout."""
USERS_MAX: Final = 2_048
"""Users remembered: 3.5 KB each when all their slots are taken. A regression of 22 weights learns no more from more."""
WAITING_MAX: Final = 50_000
"""Rows that wait for their labels, over all partitions: 8.0 MB."""
EVERY: Final = 8
"""One play in so many asks, by the event's hash, where there is room."""
PACE_MS: Final = HORIZONS_MS[-1] * TRACKS // WAITING_MAX
"""Event time between two questions, so that those of the longest horizon always fit: 43 minutes. A busy service would else fill the
queue in its first hour, and ask nothing for a month."""
CHAMPION: Final = "regression"


class _Meta(msgspec.Struct, frozen=True):
    """The snapshot's part "meta", field for field."""

    format: int
    n_lessons: int
    weight_mean: float
    weight_n: int
    asked: list[tuple[int, int]]
    """(source, when a question was asked last)."""


class CountsModel:
    """How often a user will play a track again, from listening lessons. Keeps the promises of `online_models/model.py`."""

    schema: ClassVar[int] = FORMAT

    def __init__(self) -> None:
        self.models = tuple(CountModel() for _ in range(N_HORIZONS))
        self.n_lessons = 0
        self._folds: dict[int, CountFold] = {}
        self._asked_ms: dict[int, int] = {}
        self._audience = Audience(USERS_MAX)
        self._relative = Relative()

    @property
    def champion(self) -> str:
        """There is one way of answering."""
        return CHAMPION

    def learn_one(self, x: Mapping[str, Any], y: int, w: float = 1.0) -> None:
        """One lesson: a play, or an erasure. Raises `BadLesson`, and then nothing has changed."""
        lesson = read(x, y, w)
        relative = self._relative.of(w)
        self.n_lessons += 1
        if lesson.erased:
            self._forget(lesson.user)
            return
        clocks = {source: fold.clock_ms for source, fold in self._folds.items()}
        remembered, gone = self._audience.meet(lesson.user, lesson.source, lesson.at_ms, clocks)
        for user in gone:
            self._drop(user)
        if remembered:
            fold = self._folds.get(lesson.source)
            if fold is None:
                # As many as the pace lets one of so many partitions ask: all rings together stay within a few times WAITING_MAX.
                fold = CountFold(max(WAITING_MAX // (len(self._folds) + 1), TRACKS), self.models)
                self._folds[lesson.source] = fold
            fold.play_one(lesson.user, lesson.track, lesson.at_ms, ask=self._asks(lesson), weight=relative)

    def _asks(self, lesson: Listened) -> bool:
        """Is it this play's turn, by its event and by the pace?"""
        pace_ms = PACE_MS * len(self._folds)
        if lesson.event % EVERY or lesson.at_ms < self._asked_ms.get(lesson.source, -pace_ms) + pace_ms:
            return False
        if sum(fold.pending.n_waiting for fold in self._folds.values()) + TRACKS > WAITING_MAX:
            return False
        self._asked_ms[lesson.source] = lesson.at_ms
        return True

    def _forget(self, user: int) -> None:
        if self._audience.forget(user) is not None:
            self._drop(user)

    def _drop(self, user: int) -> None:
        for fold in self._folds.values():
            fold.forget(user)

    def predict_one(self, x: Mapping[str, Any]) -> float:
        """The chance, in (0, 1), that the user of a lesson `x` plays its track in the seven days after; leaves no trace."""
        lesson = asked(x)
        mean = self.models[0].predict_one({"bias": 1.0})
        if lesson.source in self._folds:
            tracks, said = self._folds[lesson.source].expect(lesson.user, lesson.at_ms)
            found = np.flatnonzero(tracks == lesson.track)
            mean = float(said[found[0], 0]) if len(found) else mean
        return held(1.0 - (1.0 + mean / THETA) ** -THETA)

    def scores(self) -> dict[str, float | str]:
        """Per horizon the decayed mean Poisson deviance, and that of expecting the running mean; labels taught; users, rows that wait."""
        told: dict[str, float | str] = {"champion": CHAMPION, "lessons": float(self.n_lessons), "users": float(len(self._audience.members))}
        told["waiting"] = float(sum(fold.pending.n_waiting for fold in self._folds.values()))
        for horizon_ms, model in zip(HORIZONS_MS, self.models, strict=True):
            days = f"{horizon_ms // DAY_MS}_days"
            told |= {f"{name}_{days}": value for name, value in model.scores().items()}
            told[f"labels_{days}"] = float(model.n_lessons)
        return told

    def serving(self, version: int) -> bytes:
        """JSON for `counts/serving.py`."""
        return encode_serving(Served(version, self.n_lessons, np.array([model._weights for model in self.models])))

    def snapshot(self) -> dict[str, bytes]:
        """Parts "meta", "audience" (JSON), "models" and "people" (parts of their own, `parts.py`): some 15 MB at most."""
        meta = _Meta(FORMAT, self.n_lessons, self._relative.mean, self._relative.n, sorted(self._asked_ms.items()))
        models = {f"{h}/{name}": part for h, model in enumerate(self.models) for name, part in model.snapshot().items()}
        people = {f"{source}/{name}": part for source, fold in sorted(self._folds.items()) for name, part in fold.people().items()}
        return {
            "meta": msgspec.json.encode(meta),
            "audience": self._audience.state(),
            "models": joined(models),
            "people": joined(people),
        }

    @classmethod
    def restore(cls, parts: Mapping[str, bytes]) -> Self:
        """The model that made `parts`: it goes on bit-equally. Raises `BadSnapshot`."""
        model = cls()
        try:
            meta = msgspec.json.decode(parts["meta"], type=_Meta)
            if meta.format != FORMAT:
                raise BadSnapshot(f"format {meta.format}, this build goes on from {FORMAT}")
            models, people = split(parts["models"]), split(parts["people"])
            model._audience = Audience.from_state(USERS_MAX, parts["audience"])
        except (msgspec.MsgspecError, LookupError) as error:
            raise BadSnapshot(f"parts do not fit together: {error!r}") from error
        model.models = tuple(CountModel.restore(under(f"{h}/", models)) for h in range(N_HORIZONS))
        for source in sorted({int(name.partition("/")[0]) for name in people}):
            model._folds[source] = CountFold.restore(under(f"{source}/", people), model.models)
        model.n_lessons, model._relative = meta.n_lessons, Relative(meta.weight_mean, meta.weight_n)
        model._asked_ms = dict(meta.asked)
        return model
