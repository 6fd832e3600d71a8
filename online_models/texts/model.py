"""Clusters of words as a model that a worker runs: rows' tags, titles and lyrics are its lessons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from online_models.clusters.placing import Meta, PlacingModel
from online_models.texts import text_clusters
from online_models.texts.text import text_of
from online_models.texts.text_clusters import TextClusters


class TextClusterModel(PlacingModel[TextClusters]):
    """What every track of a catalogue is about, as far as words tell; the genre is told of clusters and teaches nothing.

    >>> model = TextClusterModel()
    >>> model.learn_one({"track_id": "t1", "title": "Kabát", "tags": ["rock"]}, "")
    >>> model.n_lessons, model.predict_one({"title": "Kabát"})
    (1, {})
    """

    name: ClassVar[str] = "text_clusters"
    noun: ClassVar[str] = "text cluster"
    first_at: ClassVar[int] = text_clusters.FIRST_N
    champion: Final = "words"
    """There are no others to compete with."""

    def __init__(self) -> None:
        super().__init__(TextClusters())

    def _learn(self, values: Mapping[str, Any], genre: str) -> int | None:
        return self._model.learn_one(text_of(values, genre))

    def _ask(self, values: Mapping[str, Any]) -> int | None:
        return self._model.predict_one(text_of(values))

    def _reviewed(self) -> None:
        genres = ((text.genre,) * bool(text.genre) for text in self._model.texts)
        self._places.reviewed(self._model, self._model.placed_sample(), self._model.names, genres)

    def _take(self, meta: Meta, parts: Mapping[str, bytes]) -> None:
        self._places.take(meta, parts, self._model, len(self._model.texts))
