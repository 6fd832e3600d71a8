"""The map as a model that a worker runs: clean rows are its lessons, where tracks lie in two and in three dimensions its news.

A track is placed when it comes. Whenever its clusters' space is reviewed the landmarks follow, turned back onto where they were, and the
tracks of the fair sample are told of anew; the others stay where they were put, which is nearly where they would be now.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Self

import msgspec
import numpy as np
from scipy.spatial.distance import cdist

from online_models.arrays import F64
from online_models.clusters.micro_genres import FRAME_N, MicroGenres
from online_models.clusters.rows import clean_track, refuse_bad_row, usable_track
from online_models.clusters.sample import SAMPLE_N, SampleIds
from online_models.maps.served import Lies, Served
from online_models.maps.track_map import TrackMap
from online_models.model import BadSnapshot, News

FORMAT: Final = 1
"""Version of the snapshot's layout; those of its parts have their own."""
DIMS: Final = (2, 3)
TOLD: Final = sum(DIMS)
DECIMALS: Final = 3
"""Of coordinates that are told; a map is some 20 wide."""
INNER: Final = {"clusters": "clusters-", "2": "two-", "3": "three-"}
"""Before the names of the parts that each of them makes."""
DIAMETER_OF: Final = 512
"""Tracks of the sample over which the map's diameter is taken."""


class _Meta(msgspec.Struct, frozen=True):
    """The snapshot's part "meta", field for field."""

    format: int
    n_lessons: int
    moved_share: float


class MapModel:
    """Where every track of a catalogue lies.

    >>> model = MapModel()
    >>> model.learn_one({"track_id": "t1", "artist": "Kabát", "energy": 0.9}, "rock")
    >>> model.n_lessons, model.predict_one({"artist": "Kabát"})
    (1, {})
    """

    schema: ClassVar[int] = FORMAT
    champion: Final = "labels"
    """The variant of the space: there are no others to compete with."""

    def __init__(self) -> None:
        self.n_lessons = 0
        """Tracks seen."""
        self._space = MicroGenres("labels")
        self._maps = {dims: TrackMap(dims) for dims in DIMS}
        self._ids = SampleIds()
        self._said = np.full((SAMPLE_N, TOLD), np.nan)
        """What was told last of each of the sample; NaN = nothing."""
        self._moved_share = 0.0
        self._news = News([], {})

    # --- the two verbs ---------------------------------------------------------------------------

    def learn_one(self, values: Mapping[str, Any], genre: str, w: float = 1.0, /) -> None:
        """Take a clean row in; a genre of "" = it has none. Raises `BadLesson` as micro-genres do; then nothing has changed."""
        refuse_bad_row(values, genre, w)
        track, track_id, due = clean_track(values, genre), str(values.get("track_id", "")), self._space.review_at
        found = self._place(self._space.point_one(track))
        self._space.learn_one(track)
        self._space.events = []  # of clusters: those that are told of are the micro-genres'
        self.n_lessons += 1
        at = self._ids.keep(self.n_lessons, track_id)
        if at is not None:
            self._said[at] = np.nan if found is None else found[0]
        if track_id and found is not None:
            self._tell(track_id, found[0])
        if self._space.review_at != due:
            self._redraw()

    def predict_one(self, values: Mapping[str, Any], /) -> dict[str, float]:
        """Where the row lies in two dimensions, `"x y"`, with certainty; empty before there is a map. Leaves no trace."""
        found = self._place(self._space.point_one(usable_track(values)))
        return {} if found is None else {f"{found[0, 0]:.{DECIMALS}f} {found[0, 1]:.{DECIMALS}f}": 1.0}

    def take_news(self) -> News:
        """Tracks that lie somewhere else since it was last taken."""
        news, self._news = self._news, News([], {})
        return news

    # --- the maps --------------------------------------------------------------------------------

    def _place(self, points: F64) -> F64 | None:
        """Coordinates (m, 5): two, then three; None = there is no map yet."""
        if not self.version:
            return None
        return np.round(np.concatenate([self._maps[dims].place(points) for dims in DIMS], axis=1), DECIMALS) + 0.0

    @property
    def version(self) -> int:
        """Of the map: how often it was drawn."""
        return self._maps[DIMS[0]].version

    def _redraw(self) -> None:
        for drawn in self._maps.values():
            drawn.update(self._space)
        now = self._place(self._space.sample_points())
        if now is None:
            return
        said = self._said[: len(now)]
        old = ~np.isnan(said[:, 0])
        if old.any():
            way = np.linalg.norm(now[old, :2] - said[old, :2], axis=1).mean()
            self._moved_share = float(way) / self.diameter
        for at in np.flatnonzero((now != said).any(axis=1)).tolist():
            if self._ids.ids[at]:
                self._tell(self._ids.ids[at], now[at])
        said[:] = now

    @property
    def diameter(self) -> float:
        """Largest distance of two landmarks on the map of two dimensions; there must be a map."""
        places = self._maps[DIMS[0]].places[:DIAMETER_OF]
        return max(float(cdist(places, places).max()), 1e-9)

    def _tell(self, track_id: str, found: F64) -> None:
        two, three = found[:2].tolist(), found[2:].tolist()
        self._news.about[track_id] = msgspec.json.encode(
            Lies((two[0], two[1]), (three[0], three[1], three[2]), self.version, self.n_lessons)
        )

    # --- to serve and to keep --------------------------------------------------------------------

    def scores(self) -> dict[str, float | str]:
        """Stress-1 of the landmarks, and how far tracks moved at the last drawing, as a share of the map's diameter."""
        drawn: dict[str, float | str] = {f"stress_{dims}d": self._maps[dims].stress() for dims in DIMS} if self.version else {}
        return {"lessons": float(self.n_lessons), "drawn": float(self.version), "moved_share": self._moved_share, **drawn}

    def serving(self, version: int) -> bytes:
        """JSON of `Served`."""
        stress = tuple(round(self._maps[dims].stress(), 4) if self.version else 0.0 for dims in DIMS)
        diameter = round(self.diameter, DECIMALS) if self.version else 0.0
        told = Served("map", version, self.n_lessons, FRAME_N, self.version, stress[0], stress[1], diameter, round(self._moved_share, 6))
        return msgspec.json.encode(told)

    def snapshot(self) -> dict[str, bytes]:
        """Parts "meta" and "ids" (JSON), "said" (little-endian), those of the space and of both maps; 9 MB for 28,000 tracks."""
        meta = _Meta(FORMAT, self.n_lessons, self._moved_share)
        inner = {"clusters": self._space.snapshot(), **{str(dims): drawn.snapshot() for dims, drawn in self._maps.items()}}
        return {
            "meta": msgspec.json.encode(meta),
            "ids": msgspec.json.encode(self._ids.ids),
            "said": self._said[: len(self._ids.ids)].astype("<f8").tobytes(),
            **{f"{INNER[what]}{name}": part for what, parts in inner.items() for name, part in parts.items()},
        }

    @classmethod
    def restore(cls, parts: Mapping[str, bytes]) -> Self:
        """The model that made `parts`; it goes on bit-equally. Raises `BadSnapshot`."""

        def of(what: str) -> dict[str, bytes]:
            start = INNER[what]
            return {name.removeprefix(start): part for name, part in parts.items() if name.startswith(start)}

        model = cls()
        model._space = MicroGenres.restore(of("clusters"))
        model._maps = {dims: TrackMap.restore(of(str(dims))) for dims in DIMS}
        try:
            meta = msgspec.json.decode(parts["meta"], type=_Meta)
            ids = msgspec.json.decode(parts["ids"], type=list[str])
            said = np.frombuffer(parts["said"], "<f8").reshape(len(ids), TOLD)
        except (msgspec.MsgspecError, LookupError, ValueError) as error:
            raise BadSnapshot(f"parts do not fit together: {error!r}") from error
        if meta.format != FORMAT:
            raise BadSnapshot(f"format {meta.format}; this build goes on from {FORMAT}")
        versions = {drawn.version for drawn in model._maps.values()}
        expected = (model._space.n_tracks, len(model._space.rows.tracks), DIMS, 1)
        if (meta.n_lessons, len(ids), tuple(drawn.dims for drawn in model._maps.values()), len(versions)) != expected:
            raise BadSnapshot("the parts are of different versions")
        model.n_lessons, model._moved_share = meta.n_lessons, meta.moved_share
        model._ids, model._said[: len(said)] = SampleIds(ids), said
        return model
