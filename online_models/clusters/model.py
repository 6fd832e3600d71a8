"""Micro-genres as a model that a worker runs: clean rows are its lessons, where tracks are and what became of clusters its news.

A track is placed when it comes, by what was known before. At a review those of the fair sample are looked at again, and whoever is
elsewhere by then is told of; the others stay where they were put, or where their cluster went.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Self

import msgspec
import numpy as np

from online_models.arrays import I64
from online_models.cleaning.fields import TRACK
from online_models.clusters import micro_genres
from online_models.clusters.micro_genres import Event, MicroGenres
from online_models.clusters.naming import shown
from online_models.clusters.sample import SAMPLE_N, place
from online_models.clusters.served import MERGED_MAX, Cluster, Placed, Served
from online_models.clusters.track import Track, track_of
from online_models.genres.features import refuse_bad_values
from online_models.model import BadLesson, BadSnapshot, Happening, News

FORMAT: Final = 1
"""Version of the snapshot's layout; that of the clusters has its own (`snapshot.py`)."""
GENRE_CHARS_MAX: Final = 64
TEXT_CHARS_MAX: Final = 512
"""Of a title, an artist, an album, as the contract has it: the sample keeps them."""
NAME_CHARS_MAX: Final = 200
"""Of a cluster's name: it stands in decisions, whose texts end at 256."""
GENRES_MAX: Final = 5
"""Of a cluster, that are served."""
NOWHERE: Final = -1
INNER: Final = "clusters-"
"""Before the names of the parts that `MicroGenres` makes."""


class _Meta(msgspec.Struct, frozen=True):
    """The snapshot's part "meta", field for field."""

    format: int
    n_lessons: int
    kept_share: float
    clusters: list[Cluster]
    merged: list[tuple[int, int]]


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
        self._ids: list[str] = []
        """Of the sample's tracks; "" = told of again since, and the newer lesson speaks for it."""
        self._at: dict[str, int] = {}
        """The inverse."""
        self._said: I64 = np.full(SAMPLE_N, NOWHERE)
        """The cluster that was told last, of each of the sample."""
        self._clusters: list[Cluster] = []
        self._merged: list[tuple[int, int]] = []
        self._kept_share = 1.0
        self._news = News([], {})

    # --- the two verbs ---------------------------------------------------------------------------

    def learn_one(self, values: Mapping[str, Any], genre: str, w: float = 1.0, /) -> None:
        """Take a clean row in; a genre of "" = it has none.

        Raises `BadLesson` for numbers that are not finite or out of their field's range, for a label that is none, and for a
        weight; then nothing has changed.
        """
        refuse_bad_values(values)
        if w != 1.0:
            raise BadLesson("weight", f"weight={w}: every track is told of, each counts once")
        if not isinstance(genre, str) or len(genre) > GENRE_CHARS_MAX:
            raise BadLesson("label", f"{genre!r:.80} is no genre: text of at most {GENRE_CHARS_MAX} characters")
        due = self._model.review_at
        self.n_lessons += 1
        found = self._model.learn_one(_track(values, genre))
        self._keep(str(values.get("track_id", "")), NOWHERE if found is None else found)
        if self._model.review_at != due and self._model.ids:
            self._reviewed()

    def predict_one(self, values: Mapping[str, Any], /) -> dict[str, float]:
        """The id of the row's cluster with certainty, for a track is in one; empty before there are clusters. Leaves no trace.

        Numbers that are not usable are as if they were not there.
        """
        found = self._model.predict_one(_track({name: value for name, value in values.items() if _is_usable(name, value)}, ""))
        return {} if found is None else {str(found): 1.0}

    def take_news(self) -> News:
        """What happened since it was last taken: clusters that came and went, tracks that are somewhere else."""
        news, self._news = self._news, News([], {})
        return news

    # --- the sample ------------------------------------------------------------------------------

    def _keep(self, track_id: str, found: int) -> None:
        """Tell where a track is, and know which of the sample it is."""
        if (before := self._at.pop(track_id, None)) is not None:
            self._ids[before] = ""
        at = place(self._model.n_tracks)
        if at is not None:
            if at == len(self._ids):
                self._ids.append("")
            self._at.pop(self._ids[at], None)
            self._ids[at], self._said[at] = track_id, found
            if track_id:
                self._at[track_id] = at
        if track_id and found != NOWHERE:
            self._tell(track_id, found)

    def _tell(self, track_id: str, cluster: int) -> None:
        self._news.about[track_id] = msgspec.json.encode(Placed(cluster, self._model.n_tracks))

    def _reviewed(self) -> None:
        before = {cluster.id: cluster for cluster in self._clusters}
        placed = self._model.place(self._model.sample_points())
        self._clusters = self._described(placed)
        events, self._model.events = self._model.events, []
        for event in events:
            self._happened(event, before)
        said = self._said[: len(placed)]
        known = said != NOWHERE
        self._kept_share = float((placed == said)[known].mean()) if known.any() else 1.0
        for at in np.flatnonzero(placed != said).tolist():
            if self._ids[at]:
                self._tell(self._ids[at], int(placed[at]))
        said[:] = placed

    def _described(self, placed: I64) -> list[Cluster]:
        model, tracks = self._model, self._model.rows.tracks
        genres: dict[int, Counter[str]] = {cluster: Counter() for cluster in model.ids}
        for track, cluster in zip(tracks, placed.tolist(), strict=True):
            genres[cluster].update(track.labels)
        found = []
        for cluster, name, text in zip(model.ids, model.names, shown(model.names), strict=True):
            share = float((placed == cluster).mean())
            nest = _shares(genres[cluster])
            words, artists = ([term.text for term in terms] for terms in (name.word, name.artist))
            genre, size = next(iter(nest), ""), round(share * model.n_tracks)
            called = text if any(name) else f"{genre or 'micro-genre'} {cluster}"
            found.append(Cluster(cluster, called[:NAME_CHARS_MAX], size, round(share, 6), genre, nest, words, artists))
        return found

    def _happened(self, event: Event, before: Mapping[int, Cluster]) -> None:
        now = {cluster.id: cluster for cluster in self._clusters}
        # One that is gone is told of as it stood before; one that was born and went within a review never stood.
        told = now.get(event.cluster) or before.get(event.cluster)
        detail: dict[str, int | float | str] = {"cluster": event.cluster, "tracks": event.at}
        if told is not None:
            detail |= {"name": told.name, "size": told.size, "genre": told.genre}
        if event.other is not None:
            detail["into" if event.what == "merged" else "from"] = event.other
        if event.what == "merged" and event.other is not None:
            self._merged = [*self._merged, (event.cluster, event.other)][-MERGED_MAX:]
        self._news.happened.append(Happening(event.what, str(event.cluster), detail))

    # --- to serve and to keep --------------------------------------------------------------------

    def scores(self) -> dict[str, float | str]:
        """How many clusters there are, and which share of the sample's tracks the last review left where they were."""
        return {"lessons": float(self.n_lessons), "clusters": float(self._model.number), "kept_share": self._kept_share}

    def serving(self, version: int) -> bytes:
        """JSON of `Served`."""
        first_at = micro_genres.FIRST_N
        return msgspec.json.encode(Served("micro_genres", version, self.n_lessons, first_at, self._clusters, self._merged))

    def snapshot(self) -> dict[str, bytes]:
        """Parts "meta" and "ids" (JSON), "said" (little-endian), and those of the clusters; 7.7 MB for 28,000 tracks, none above 8."""
        meta = _Meta(FORMAT, self.n_lessons, self._kept_share, self._clusters, self._merged)
        return {
            "meta": msgspec.json.encode(meta),
            "ids": msgspec.json.encode(self._ids),
            "said": self._said[: len(self._ids)].astype("<i8").tobytes(),
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
            ids = msgspec.json.decode(parts["ids"], type=list[str])
            said = np.frombuffer(parts["said"], "<i8")
        except (msgspec.MsgspecError, LookupError, ValueError) as error:
            raise BadSnapshot(f"parts do not fit together: {error!r}") from error
        model._take(meta, ids, said)
        return model

    def _take(self, meta: _Meta, ids: list[str], said: I64) -> None:
        if meta.format != FORMAT:
            raise BadSnapshot(f"format {meta.format}; this build goes on from {FORMAT}")
        expected = (self._model.n_tracks, len(self._model.rows.tracks), len(self._model.rows.tracks), self._model.ids)
        if (meta.n_lessons, len(ids), len(said), [cluster.id for cluster in meta.clusters]) != expected:
            raise BadSnapshot("the parts are of different versions")
        self.n_lessons = meta.n_lessons
        self._ids, self._said[: len(said)] = ids, said
        self._at = {track_id: at for at, track_id in enumerate(ids) if track_id}
        self._clusters, self._merged, self._kept_share = meta.clusters, meta.merged, meta.kept_share


def _track(values: Mapping[str, Any], genre: str) -> Track:
    cut = {name: value[:TEXT_CHARS_MAX] if isinstance(value, str) else value for name, value in values.items()}
    return track_of({**cut, "genre": genre})


def _is_usable(name: str, value: Any) -> bool:
    if name not in TRACK or TRACK[name].kind != "number":
        return True
    return isinstance(value, int | float) and TRACK[name].low <= value <= TRACK[name].high


def _shares(genres: Counter[str]) -> dict[str, float]:
    """The most frequent ones; equals by name."""
    best: Sequence[tuple[str, int]] = sorted(genres.items(), key=lambda pair: (-pair[1], pair[0]))[:GENRES_MAX]
    return {genre: round(n / genres.total(), 4) for genre, n in best}
