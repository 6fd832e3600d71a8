"""Clusters of words as a model that a worker runs: rows' tags, titles and lyrics are its lessons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Self

import msgspec

from online_models.clusters.model import refuse_bad_row
from online_models.clusters.places import Places, Standing
from online_models.clusters.served import Served
from online_models.model import BadSnapshot, News
from online_models.texts import text_clusters
from online_models.texts.text import text_of
from online_models.texts.text_clusters import TextClusters

FORMAT: Final = 1
"""Version of the snapshot's layout; that of the clusters has its own."""
INNER: Final = "clusters-"
"""Before the names of the parts that `TextClusters` makes."""


class _Meta(Standing, frozen=True, kw_only=True):
    """The snapshot's part "meta", field for field."""

    format: int
    n_lessons: int


class TextClusterModel:
    """What every track of a catalogue is about, as far as words tell.

    >>> model = TextClusterModel()
    >>> model.learn_one({"track_id": "t1", "title": "Kabát", "tags": ["rock"]}, "")
    >>> model.n_lessons, model.predict_one({"title": "Kabát"})
    (1, {})
    """

    schema: ClassVar[int] = FORMAT
    champion: Final = "words"
    """There are no others to compete with."""

    def __init__(self) -> None:
        self.n_lessons = 0
        """Tracks seen."""
        self._model = TextClusters()
        self._places = Places("text cluster")

    def learn_one(self, values: Mapping[str, Any], genre: str, w: float = 1.0, /) -> None:
        """Take a clean row in; the genre ("" = none) is told of clusters and teaches nothing.

        Raises `BadLesson` as micro-genres do; then nothing has changed.
        """
        refuse_bad_row(values, genre, w)
        due = self._model.review_at
        self.n_lessons += 1
        found = self._model.learn_one(text_of(values, genre))
        self._places.keep(self.n_lessons, str(values.get("track_id", "")), found)
        if self._model.review_at != due and self._model.ids:
            self._reviewed()

    def _reviewed(self) -> None:
        genres = ((text.genre,) * bool(text.genre) for text in self._model.texts)
        self._places.reviewed(self._model, self._model.placed_sample(), self._model.names, genres)

    def predict_one(self, values: Mapping[str, Any], /) -> dict[str, float]:
        """The id of the row's cluster with certainty; empty before there are clusters, and where no word of it was ever seen.

        Leaves no trace.
        """
        found = self._model.predict_one(text_of(values))
        return {} if found is None else {str(found): 1.0}

    def take_news(self) -> News:
        """What happened since it was last taken: clusters that came and went, tracks that are somewhere else."""
        return self._places.take_news()

    def scores(self) -> dict[str, float | str]:
        """How many clusters there are, and which share of the sample's tracks the last review left where they were."""
        return {"lessons": float(self.n_lessons), "clusters": float(self._model.number), "kept_share": self._places.kept_share}

    def serving(self, version: int) -> bytes:
        """JSON of `Served`."""
        first_at, places = text_clusters.FIRST_N, self._places
        return msgspec.json.encode(Served("text_clusters", version, self.n_lessons, first_at, places.clusters, places.merged))

    def snapshot(self) -> dict[str, bytes]:
        """Parts "meta" and "ids" (JSON), "said" (little-endian), and those of the clusters; 4.2 MB for 28,000 tracks."""
        standing = msgspec.structs.asdict(self._places.standing())
        return {
            "meta": msgspec.json.encode({"format": FORMAT, "n_lessons": self.n_lessons, **standing}),
            **self._places.parts(),
            **{f"{INNER}{name}": part for name, part in self._model.snapshot().items()},
        }

    @classmethod
    def restore(cls, parts: Mapping[str, bytes]) -> Self:
        """The model that made `parts`; it goes on bit-equally. Raises `BadSnapshot`."""
        model = cls()
        model._model = TextClusters.restore({name.removeprefix(INNER): part for name, part in parts.items() if name.startswith(INNER)})
        try:
            meta = msgspec.json.decode(parts["meta"], type=_Meta)
        except (msgspec.MsgspecError, LookupError) as error:
            raise BadSnapshot(f"parts do not fit together: {error!r}") from error
        if meta.format != FORMAT:
            raise BadSnapshot(f"format {meta.format}; this build goes on from {FORMAT}")
        if meta.n_lessons != model._model.n_tracks:
            raise BadSnapshot("the parts are of different versions")
        model.n_lessons = meta.n_lessons
        model._places.take(meta, parts, model._model, len(model._model.texts))
        return model
