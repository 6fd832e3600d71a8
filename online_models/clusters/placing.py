"""What models that put tracks into clusters share: rows in, places and news of clusters out, and how all of it is kept.

A track is placed when it comes, by what was known before (`places.py`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Final, Generic, Protocol, Self, TypeVar

import msgspec

from online_models.clusters.places import Places, Standing
from online_models.clusters.rows import refuse_bad_row
from online_models.clusters.served import Served
from online_models.model import BadSnapshot, News

FORMAT: Final = 1
"""Version of the snapshots' layout; that of the clusters has its own."""
INNER: Final = "clusters-"
"""Before the names of the parts that the clusters make."""


class Clusters(Protocol):
    """Clusters of a stream (`following.py`), whatever they are made of."""

    n_tracks: int
    review_at: int
    ids: list[int]

    @property
    def number(self) -> int:
        """Clusters there are."""
        ...

    def snapshot(self) -> dict[str, bytes]:
        """Named parts."""
        ...

    @classmethod
    def restore(cls, parts: Mapping[str, bytes], /) -> Self:
        """The clusters that made `parts`. Raises `BadSnapshot`."""
        ...


class Meta(Standing, frozen=True, kw_only=True):
    """The snapshot's part "meta", field for field; a model that keeps more has one of its own."""

    format: int
    n_lessons: int


Kept = TypeVar("Kept", bound=Clusters)


class PlacingModel(ABC, Generic[Kept]):
    """The cluster of every track of a catalogue. Keeps the promises of `online_models/model.py`.

    Parameters
    ----------
    clusters: without a track.
    """

    schema: ClassVar[int] = FORMAT
    name: ClassVar[str]
    """In the registry."""
    noun: ClassVar[str]
    """What a cluster without a name is called."""
    first_at: ClassVar[int]
    """Tracks before there are clusters."""
    meta: ClassVar[type[Meta]] = Meta

    def __init__(self, clusters: Kept) -> None:
        self.n_lessons = 0
        """Tracks seen."""
        self._model = clusters
        self._places = Places(self.noun)

    # --- what each makes of it -------------------------------------------------------------------

    @abstractmethod
    def _learn(self, values: Mapping[str, Any], genre: str) -> int | None:
        """Take a row in that was looked at; its cluster as of before, None = it is in none."""

    @abstractmethod
    def _ask(self, values: Mapping[str, Any]) -> int | None:
        """The cluster of a row that nobody looked at; leaves no trace."""

    @abstractmethod
    def _reviewed(self) -> None:
        """Tell the places of the review that has just been."""

    def _found(self, cluster: int, track_id: str, values: Mapping[str, Any]) -> None:
        """A track with an id came into a cluster."""

    # --- the two verbs ---------------------------------------------------------------------------

    def learn_one(self, values: Mapping[str, Any], genre: str, w: float = 1.0, /) -> None:
        """Take a clean row in; a genre of "" = it has none.

        Raises `BadLesson` for numbers that are not finite or out of their field's range, for a label that is none, and for a
        weight; then nothing has changed.
        """
        refuse_bad_row(values, genre, w)
        due = self._model.review_at
        self.n_lessons += 1
        found, track_id = self._learn(values, genre), str(values.get("track_id", ""))
        self._places.keep(self.n_lessons, track_id, found)
        if found is not None and track_id:
            self._found(found, track_id, values)
        if self._model.review_at != due and self._model.ids:
            self._reviewed()

    def predict_one(self, values: Mapping[str, Any], /) -> dict[str, float]:
        """The id of the row's cluster with certainty, for a track is in one; empty where it is in none. Leaves no trace."""
        found = self._ask(values)
        return {} if found is None else {str(found): 1.0}

    def take_news(self) -> News:
        """What happened since it was last taken: clusters that came and went, tracks that are somewhere else."""
        return self._places.take_news()

    # --- to serve and to keep --------------------------------------------------------------------

    def scores(self) -> dict[str, float | str]:
        """How many clusters there are, and which share of the sample's tracks the last review left where they were."""
        return {"lessons": float(self.n_lessons), "clusters": float(self._model.number), "kept_share": self._places.kept_share}

    def served(self, version: int) -> Served:
        """What is served as `version`."""
        return Served(self.name, version, self.n_lessons, self.first_at, self._places.clusters, self._places.merged)

    def serving(self, version: int) -> bytes:
        """JSON of `Served`."""
        return msgspec.json.encode(self.served(version))

    def snapshot(self) -> dict[str, bytes]:
        """Parts "meta" and "ids" (JSON), "said" (little-endian), and those of the clusters; none above 8 MB."""
        standing = msgspec.structs.asdict(self._places.standing())
        return {
            "meta": msgspec.json.encode({"format": FORMAT, "n_lessons": self.n_lessons, **self._more(), **standing}),
            **self._places.parts(),
            **{f"{INNER}{name}": part for name, part in self._model.snapshot().items()},
        }

    def _more(self) -> dict[str, Any]:
        """Fields of `meta` beyond those of all."""
        return {}

    @classmethod
    def restore(cls, parts: Mapping[str, bytes]) -> Self:
        """The model that made `parts`; it goes on bit-equally. Raises `BadSnapshot`."""
        model = cls()  # type: ignore[call-arg]
        model._model = model._model.restore({name.removeprefix(INNER): part for name, part in parts.items() if name.startswith(INNER)})
        try:
            meta = msgspec.json.decode(parts["meta"], type=cls.meta)
        except (msgspec.MsgspecError, LookupError) as error:
            raise BadSnapshot(f"parts do not fit together: {error!r}") from error
        if meta.format != FORMAT:
            raise BadSnapshot(f"format {meta.format}; this build goes on from {FORMAT}")
        if meta.n_lessons != model._model.n_tracks:
            raise BadSnapshot("the parts are of different versions")
        model.n_lessons = meta.n_lessons
        model._take(meta, parts)
        return model

    @abstractmethod
    def _take(self, meta: Any, parts: Mapping[str, bytes]) -> None:
        """Go on from `meta`, which is what `_more` made, and from the places in `parts`. Raises `BadSnapshot`."""
