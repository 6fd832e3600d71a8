"""The play counts as a worker runs them: listening lessons in, a taught pair of regressions out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Self

import numpy as np

from online_models.contest import held
from online_models.counts.fold import CountFold
from online_models.counts.listener import TRACKS
from online_models.counts.pending import DAY_MS, HORIZONS_MS, N_HORIZONS
from online_models.counts.regression import THETA, CountModel
from online_models.counts.serving import Served, encode_serving
from online_models.listened import Listened, asked
from online_models.listening_model import FORMAT, ListeningModel
from online_models.parts import under

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


class CountsModel(ListeningModel[CountFold]):
    """How often a user will play a track again, from listening lessons. Keeps the promises of `online_models/model.py`."""

    schema: ClassVar[int] = FORMAT

    def __init__(self) -> None:
        super().__init__(USERS_MAX, PACE_MS)
        self.models = tuple(CountModel() for _ in range(N_HORIZONS))

    @property
    def champion(self) -> str:
        """There is one way of answering."""
        return CHAMPION

    def _hear(self, lesson: Listened, weight: float) -> None:
        fold = self._folds.get(lesson.source)
        if fold is None:
            # As many as the pace lets one of so many partitions ask: all rings together stay within a few times WAITING_MAX.
            fold = CountFold(max(WAITING_MAX // (len(self._folds) + 1), TRACKS), self.models)
            self._folds[lesson.source] = fold
        asks = lesson.event % EVERY == 0 and self._n_waiting + TRACKS <= WAITING_MAX and self._in_pace(lesson)
        fold.play_one(lesson.user, lesson.track, lesson.at_ms, ask=asks, weight=weight)

    @property
    def _n_waiting(self) -> int:
        return sum(fold.pending.n_waiting for fold in self._folds.values())

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
        told["waiting"] = float(self._n_waiting)
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
        models = {f"{h}/{name}": part for h, model in enumerate(self.models) for name, part in model.snapshot().items()}
        return self._kept("models", models)

    @classmethod
    def restore(cls, parts: Mapping[str, bytes]) -> Self:
        """The model that made `parts`: it goes on bit-equally. Raises `BadSnapshot`."""
        model = cls()
        models, people = model._take("models", parts)
        model.models = tuple(CountModel.restore(under(f"{h}/", models)) for h in range(N_HORIZONS))
        model._folds = {source: CountFold.restore(each, model.models) for source, each in people.items()}
        return model
