"""Micro-genres as a model that a worker runs: clean rows are its lessons, where tracks are and what became of clusters its news."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import msgspec

from online_models.clusters import micro_genres
from online_models.clusters.micro_genres import MicroGenres
from online_models.clusters.newest import New, Newest
from online_models.clusters.placing import Meta, PlacingModel
from online_models.clusters.rows import TEXT_CHARS_MAX, clean_track, usable_track
from online_models.clusters.served import Served


class _Meta(Meta, frozen=True, kw_only=True):
    """With what else it keeps."""

    newest: dict[int, list[New]] = {}
    """None in a snapshot of before they were kept."""


class MicroGenreModel(PlacingModel[MicroGenres]):
    """The micro-genre of every track of a catalogue.

    >>> model = MicroGenreModel()
    >>> model.learn_one({"track_id": "t1", "artist": "Kabát", "energy": 0.9}, "rock")
    >>> model.n_lessons, model.predict_one({"artist": "Kabát"})
    (1, {})
    """

    name: ClassVar[str] = "micro_genres"
    noun: ClassVar[str] = "micro-genre"
    first_at: ClassVar[int] = micro_genres.FIRST_N
    meta: ClassVar[type[Meta]] = _Meta
    champion: Final = "company"
    """The variant: there are no others to compete with."""

    def __init__(self) -> None:
        super().__init__(MicroGenres("company"))
        self._newest = Newest()

    def _learn(self, values: Mapping[str, Any], genre: str) -> int | None:
        return self._model.learn_one(clean_track(values, genre))

    def _ask(self, values: Mapping[str, Any]) -> int | None:
        # Numbers that are not usable are as if they were not there.
        return self._model.predict_one(usable_track(values))

    def _found(self, cluster: int, track_id: str, values: Mapping[str, Any]) -> None:
        self._newest.keep(cluster, self.n_lessons, track_id, str(values.get("artist") or "")[:TEXT_CHARS_MAX])

    def _reviewed(self) -> None:
        self._newest.follow(self._model.events)
        placed = self._model.place(self._model.sample_points())
        self._places.reviewed(self._model, placed, self._model.names, (track.labels for track in self._model.rows.tracks))

    def served(self, version: int) -> Served:
        """What is served as `version`, the newest tracks of each cluster among it."""
        return msgspec.structs.replace(super().served(version), newest=self._newest.shown())

    def _more(self) -> dict[str, Any]:
        return {"newest": self._newest.shown()}

    def _take(self, meta: _Meta, parts: Mapping[str, bytes]) -> None:
        self._newest = Newest(meta.newest)
        self._places.take(meta, parts, self._model, len(self._model.rows.tracks))
