"""River's classifiers on the same columns as the ensemble, and the majority.

They see the features of the table and, where names are in sight, the columns of artists' evidence and of all evidence together: every
kind of word by itself would triple their time. Trees and forests are River's own defaults; nothing of theirs was tuned.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from river.compose import Pipeline
from river.dummy import PriorClassifier
from river.ensemble import ADWINBoostingClassifier
from river.forest import ARFClassifier
from river.linear_model import SoftmaxRegression
from river.naive_bayes import GaussianNB
from river.preprocessing import StandardScaler
from river.tree import HoeffdingTreeClassifier

from online_models.cleaning.verdicts import Value
from online_models.genres.inputs import Inputs, Sight

BOOSTED_N: Final = 5
FOREST_N: Final = 10
SEED: Final = 1


class Classifier(Protocol):
    """What is asked of River's classifiers."""

    def learn_one(self, x: dict[str, float], y: str) -> Any: ...

    def predict_proba_one(self, x: dict[str, float]) -> dict[str, float]: ...


RIVALS: Final[dict[str, Callable[[], Classifier]]] = {
    "majority": PriorClassifier,
    "softmax": lambda: Pipeline(StandardScaler(), SoftmaxRegression()),
    "gaussian naive bayes": GaussianNB,
    "hoeffding tree": HoeffdingTreeClassifier,
    "boosted trees": lambda: ADWINBoostingClassifier(HoeffdingTreeClassifier(), n_models=BOOSTED_N, seed=SEED),
    "adaptive random forest": lambda: ARFClassifier(n_models=FOREST_N, seed=SEED),
}


class Rival:
    """A River classifier that looks at clean rows as the ensemble does."""

    def __init__(self, name: str, sight: Sight) -> None:
        self._model = RIVALS[name]()
        self._inputs = Inputs(sight)
        self._genres: list[str] = []

    def predict_proba_one(self, values: Mapping[str, Value]) -> dict[str, float]:
        """Probability by genre; {} before it knows any."""
        return self._model.predict_proba_one(self._columns(values))

    def learn_one(self, values: Mapping[str, Value], genre: str) -> None:
        """Learn that a row's genre is `genre`."""
        self._model.learn_one(self._columns(values), genre)
        if genre not in self._genres:
            self._genres.append(genre)
        self._inputs.learn_one(self._inputs.look_at(values), self._genres.index(genre))

    def _columns(self, values: Mapping[str, Value]) -> dict[str, float]:
        inputs, n_genres = self._inputs, len(self._genres)
        x = inputs.transform_one(inputs.look_at(values), n_genres).tolist()
        found = dict(zip(inputs.names(self._genres), x, strict=True))
        n_features = len(inputs.features)
        return {name: value for n, (name, value) in enumerate(found.items()) if n < n_features or name.startswith(("all: ", "artist: "))}
