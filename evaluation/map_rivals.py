"""What a map is measured against: scikit-learn's MDS, of all tracks at once and in the place of our own scaling of landmarks."""

from __future__ import annotations

from typing import Final

import numpy as np
from sklearn.manifold import MDS, trustworthiness

from online_models.arrays import F64, I64
from online_models.maps.scaling import turned
from online_models.maps.track_map import TrackMap

STEPS_MAX: Final = 300
"""scikit-learn's own number."""
NEIGHBOURS_K: Final = 10


def library_mds(distances: F64, dims: int) -> F64:
    """Points (n, dims) from distances (n, n): scikit-learn's SMACOF from its classical start."""
    scaling = MDS(n_components=dims, metric="precomputed", init="classical_mds", n_init=1, max_iter=STEPS_MAX)
    return np.asarray(scaling.fit_transform(distances), dtype=np.float64)


def neighbours_kept(distances: F64, points: F64) -> float:
    """Trustworthiness (Venna and Kaski 2001): 1 = whoever is among the ten nearest of a track on the map is so in truth, .5 = by chance."""
    return float(trustworthiness(distances, points, n_neighbors=NEIGHBOURS_K, metric="precomputed"))


class LibraryMap(TrackMap):
    """Our map, its landmarks scaled anew by scikit-learn at every update, and turned back onto those that stayed."""

    def _drawn(self, distances: F64, since: I64) -> F64:
        found = library_mds(distances, self.dims)
        n = len(self.since)
        stays = np.flatnonzero(since[:n] == self.since)
        return turned(found, found[stays], self.places[stays])
