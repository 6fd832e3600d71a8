"""A map of tracks that follows the stream and does not jump.

Some tracks of the fair sample that the micro-genres keep are landmarks, scaled against one another; every other track is placed by its
distances to them (de Silva and Tenenbaum 2004, landmark MDS, with majorisation in place of their linear step). Landmarks change as the
sample does, a few at a time: the new ones are placed among those that stay, all take some steps from where they were, and the whole is
turned back onto those that stayed. Between two updates nothing moves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Self

import msgspec
import numpy as np
from scipy.spatial.distance import cdist

from online_models.arrays import F64, I64
from online_models.clusters.micro_genres import MicroGenres
from online_models.maps.scaling import among, classical, majorised, placed, stress, turned
from online_models.model import BadSnapshot

FORMAT: Final = 1
LANDMARKS_N: Final = 512
FIRST_STEPS: Final = 300
UPDATE_STEPS: Final = 20
PLACE_STEPS: Final = 30
NEAREST_K: Final = 5
DECIMALS: Final = 6
"""Of landmarks' coordinates: LAPACK and BLAS may differ in the last bits between two processes, and a map must be the same wherever it is
learned."""
AT_ONCE: Final = 4_096
"""Tracks placed together: 34 MB of distances and as much of pulls."""


class _Meta(msgspec.Struct, frozen=True):
    format: int
    dims: int
    version: int


class TrackMap:
    """Coordinates in the unit of distances between points of the micro-genres.

    Parameters
    ----------
    dims: 2 or 3.
    """

    def __init__(self, dims: int = 2) -> None:
        self.dims = dims
        self.version = 0
        """Updates so far."""
        self.since: I64 = np.zeros(0, np.int64)
        """(n,) which track of the stream each landmark is."""
        self.landmarks = np.zeros((0, 0))
        """(n, d) points."""
        self.places = np.zeros((0, dims))
        """(n, dims) coordinates."""

    def update(self, model: MicroGenres) -> bool:
        """Follow the model's sample, if its frame or its tracks changed; whether there is a new version. Costs some 0.2 s."""
        n = min(LANDMARKS_N, len(model.rows.tracks))
        points, since = model.sample_points(n), model.rows.since[:n].copy()
        if n <= self.dims or (np.array_equal(since, self.since) and np.array_equal(points, self.landmarks)):
            return False
        drawn = self._drawn(cdist(points, points), since)
        self.places = np.round(drawn, DECIMALS) + 0.0  # no negative zeros: they are other bytes
        self.landmarks, self.since, self.version = points, since, self.version + 1
        return True

    def _drawn(self, distances: F64, since: I64) -> F64:
        """Coordinates (n, dims) of landmarks that are so far apart (n, n)."""
        was = np.zeros((len(since), self.dims))
        was[: len(self.places)] = self.places
        stays = np.zeros(len(since), bool)
        stays[: len(self.since)] = since[: len(self.since)] == self.since
        if not stays.any():
            return majorised(distances, classical(distances, self.dims), FIRST_STEPS)
        to_old = distances[~stays][:, stays]
        start = was.copy()
        start[~stays] = placed(to_old, was[stays], among(to_old, was[stays], NEAREST_K), PLACE_STEPS)
        found = majorised(distances, start, UPDATE_STEPS)
        return turned(found, found[stays], was[stays])

    def place(self, points: F64) -> F64:
        """Coordinates (m, dims) of points (m, d); there must be landmarks."""
        blocks = []
        for start in range(0, len(points), AT_ONCE):
            distances = cdist(points[start : start + AT_ONCE], self.landmarks)
            blocks.append(placed(distances, self.places, among(distances, self.places, NEAREST_K), PLACE_STEPS))
        return np.concatenate(blocks) if blocks else np.zeros((0, self.dims))

    def stress(self) -> float:
        """Stress-1 of the landmarks."""
        return stress(self.places, cdist(self.landmarks, self.landmarks))

    def snapshot(self) -> dict[str, bytes]:
        """Plain data: JSON and little-endian arrays, 200 KB at most."""
        return {
            "meta": msgspec.json.encode(_Meta(FORMAT, self.dims, self.version)),
            "since": self.since.astype("<i8").tobytes(),
            "landmarks": self.landmarks.astype("<f8").tobytes(),
            "places": self.places.astype("<f8").tobytes(),
        }

    @classmethod
    def restore(cls, parts: Mapping[str, bytes]) -> Self:
        """The map that made `parts`; it goes on bit-equally. Raises `BadSnapshot`."""
        try:
            meta = msgspec.json.decode(parts["meta"], type=_Meta)
            if meta.format != FORMAT:
                raise BadSnapshot(f"format {meta.format}; this build goes on from {FORMAT}")
            made = cls(meta.dims)
            made.version = meta.version
            made.since = np.frombuffer(parts["since"], "<i8").copy()
            n = len(made.since)
            made.landmarks = np.frombuffer(parts["landmarks"], "<f8").reshape(n, -1 if n else 0).copy()
            made.places = np.frombuffer(parts["places"], "<f8").reshape(n, meta.dims).copy()
        except (msgspec.MsgspecError, LookupError, TypeError, ValueError) as error:
            raise BadSnapshot(f"parts do not fit together: {error!r}") from error
        return made
