"""Micro-genres as a model that a worker runs: clean rows are its lessons, where tracks are and what became of clusters its news.

A track is placed when it comes, by what was known before (`places.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Self

import msgspec

from online_models.cleaning.fields import TRACK
from online_models.clusters import micro_genres
from online_models.clusters.micro_genres import MicroGenres
from online_models.clusters.newest import New, Newest
from online_models.clusters.places import Places, Standing
from online_models.clusters.served import Served
from online_models.clusters.track import Track, track_of
from online_models.genres.features import refuse_bad_values
from online_models.model import BadLesson, BadSnapshot, News

FORMAT: Final = 1
"""Version of the snapshot's layout; that of the clusters has its own (`snapshot.py`)."""
GENRE_CHARS_MAX: Final = 64
TEXT_CHARS_MAX: Final = 512
"""Of a title, an artist, an album, as the contract has it: the sample keeps them."""
INNER: Final = "clusters-"
"""Before the names of the parts that `MicroGenres` makes."""


class _Meta(Standing, frozen=True, kw_only=True):
    """The snapshot's part "meta", field for field."""

    format: int
    n_lessons: int
    newest: dict[int, list[New]] = {}
    """None in a snapshot of before they were kept."""


class MicroGenreModel:
    """The micro-genre of every track of a catalogue.

    >>> model = MicroGenreModel()
    >>> model.learn_one({"track_id": "t1", "artist": "Kabát", "energy": 0.9}, "rock")
    >>> model.n_lessons, model.predict_one({"artist": "Kabát"})
    (1, {})
    """

    schema: ClassVar[int] = FORMAT
    champion: Final = "company"
    """The variant: there are no others to compete with."""

    def __init__(self) -> None:
        self.n_lessons = 0
        """Tracks seen."""
        self._model = MicroGenres("company")
        self._places = Places("micro-genre")
        self._newest = Newest()

    # --- the two verbs ---------------------------------------------------------------------------

    def learn_one(self, values: Mapping[str, Any], genre: str, w: float = 1.0, /) -> None:
        """Take a clean row in; a genre of "" = it has none.

        Raises `BadLesson` for numbers that are not finite or out of their field's range, for a label that is none, and for a
        weight; then nothing has changed.
        """
        refuse_bad_row(values, genre, w)
        due = self._model.review_at
        self.n_lessons += 1
        found = self._model.learn_one(clean_track(values, genre))
        track_id = str(values.get("track_id", ""))
        self._places.keep(self.n_lessons, track_id, found)
        if found is not None and track_id:
            self._newest.keep(found, self.n_lessons, track_id, str(values.get("artist") or "")[:TEXT_CHARS_MAX])
        if self._model.review_at != due and self._model.ids:
            self._reviewed()

    def _reviewed(self) -> None:
        self._newest.follow(self._model.events)
        placed = self._model.place(self._model.sample_points())
        self._places.reviewed(self._model, placed, self._model.names, (track.labels for track in self._model.rows.tracks))

    def predict_one(self, values: Mapping[str, Any], /) -> dict[str, float]:
        """The id of the row's cluster with certainty, for a track is in one; empty before there are clusters. Leaves no trace.

        Numbers that are not usable are as if they were not there.
        """
        found = self._model.predict_one(usable_track(values))
        return {} if found is None else {str(found): 1.0}

    def take_news(self) -> News:
        """What happened since it was last taken: clusters that came and went, tracks that are somewhere else."""
        return self._places.take_news()

    # --- to serve and to keep --------------------------------------------------------------------

    def scores(self) -> dict[str, float | str]:
        """How many clusters there are, and which share of the sample's tracks the last review left where they were."""
        return {"lessons": float(self.n_lessons), "clusters": float(self._model.number), "kept_share": self._places.kept_share}

    def serving(self, version: int) -> bytes:
        """JSON of `Served`."""
        first_at, places = micro_genres.FIRST_N, self._places
        served = Served("micro_genres", version, self.n_lessons, first_at, places.clusters, places.merged, self._newest.shown())
        return msgspec.json.encode(served)

    def snapshot(self) -> dict[str, bytes]:
        """Parts "meta" and "ids" (JSON), "said" (little-endian), and those of the clusters; 7.7 MB for 28,000 tracks, none above 8."""
        standing = msgspec.structs.asdict(self._places.standing())
        return {
            "meta": msgspec.json.encode({"format": FORMAT, "n_lessons": self.n_lessons, "newest": self._newest.shown(), **standing}),
            **self._places.parts(),
            **{f"{INNER}{name}": part for name, part in self._model.snapshot().items()},
        }

    @classmethod
    def restore(cls, parts: Mapping[str, bytes]) -> Self:
        """The model that made `parts`; it goes on bit-equally. Raises `BadSnapshot`."""
        model = cls()
        inner = {name.removeprefix(INNER): part for name, part in parts.items() if name.startswith(INNER)}
        model._model = MicroGenres.restore(inner)
        try:
            meta = msgspec.json.decode(parts["meta"], type=_Meta)
        except (msgspec.MsgspecError, LookupError) as error:
            raise BadSnapshot(f"parts do not fit together: {error!r}") from error
        if meta.format != FORMAT:
            raise BadSnapshot(f"format {meta.format}; this build goes on from {FORMAT}")
        if meta.n_lessons != model._model.n_tracks:
            raise BadSnapshot("the parts are of different versions")
        model.n_lessons = meta.n_lessons
        model._newest = Newest(meta.newest)
        model._places.take(meta, parts, model._model, len(model._model.rows.tracks))
        return model


def refuse_bad_row(values: Mapping[str, Any], genre: Any, w: float) -> None:
    """Raises `BadLesson` for what no clean row has, and for a weight."""
    refuse_bad_values(values)
    if w != 1.0:
        raise BadLesson("weight", f"weight={w}: every track is told of, each counts once")
    if not isinstance(genre, str) or len(genre) > GENRE_CHARS_MAX:
        raise BadLesson("label", f"{genre!r:.80} is no genre: text of at most {GENRE_CHARS_MAX} characters")


def clean_track(values: Mapping[str, Any], genre: str) -> Track:
    """The track of a row, its texts cut."""
    cut = {name: value[:TEXT_CHARS_MAX] if isinstance(value, str) else value for name, value in values.items()}
    return track_of({**cut, "genre": genre})


def usable_track(values: Mapping[str, Any]) -> Track:
    """The track of a row that nobody checked, and that has no genre."""
    return clean_track({name: value for name, value in values.items() if _is_usable(name, value)}, "")


def _is_usable(name: str, value: Any) -> bool:
    if name not in TRACK or TRACK[name].kind != "number":
        return True
    return isinstance(value, int | float) and TRACK[name].low <= value <= TRACK[name].high
