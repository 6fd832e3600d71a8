"""A map that follows a catalogue, track after track: is it as true as a batch's, and does it stand still?

The batch is scikit-learn's MDS of the tracks that are compared. Beside it stand classical scaling alone, which of distances between points
is their principal components, and our own map with landmarks that scikit-learn places.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from scipy.spatial.distance import cdist

from evaluation.agreement import spread
from evaluation.cluster_contest import Steps
from evaluation.map_rivals import LibraryMap, library_mds, neighbours_kept
from online_models.arrays import F64, I64
from online_models.clusters.frame import Variant
from online_models.clusters.micro_genres import FIRST_N, MicroGenres
from online_models.clusters.track import Track
from online_models.maps.scaling import classical, stress
from online_models.maps.track_map import TrackMap

STRESS_N: Final = 2_000
"""Tracks whose distances are compared, of any time."""
WATCHED_N: Final = 1_000
"""Tracks whose movement is measured, of those before the first map."""
EVERY: Final = 1_000
"""Arrivals between two looks."""
VARIANTS: Final[tuple[Variant, ...]] = ("audio", "company", "labels")


class Watched(NamedTuple):
    """Maps at the end of one order."""

    model: MicroGenres
    ours: Followed
    library: Followed
    """The same with scikit-learn's landmarks."""


class Followed:
    """A map, and how it went while a catalogue came in.

    Parameters
    ----------
    made : the map, not drawn yet
    old : tracks whose way is measured
    """

    def __init__(self, made: TrackMap, old: Sequence[Track]) -> None:
        self.map, self._old = made, old
        self.moves: list[float] = []
        """Mean way of old tracks between two looks, as a share of the diameter."""
        self.drawn_s: list[float] = []
        """CPU seconds of each drawing."""
        self._before: F64 | None = None

    def update(self, model: MicroGenres) -> None:
        """Draw it anew if there is something new."""
        started_s = time.process_time()
        if self.map.update(model):
            self.drawn_s.append(time.process_time() - started_s)

    def look(self, model: MicroGenres) -> None:
        """Measure how far old tracks went since the last look."""
        now = self.map.place(model.points(np.array([track.numbers for track in self._old]), model.evidence(self._old, learned=True)))
        if self._before is not None:
            self.moves.append(float(np.linalg.norm(now - self._before, axis=1).mean() / cdist(now, now).max()))
        self._before = now

    def told(self, points: F64, distances: F64) -> dict[str, float]:
        """What is told of it, given some tracks' points (m, d) and their distances (m, m)."""
        moves = self.moves or [0.0]
        return {
            **_truth(self.map.place(points), distances),
            "landmarks_stress": self.map.stress(),
            "drawing_s": float(np.mean(self.drawn_s)),
            "move_share_mean": float(np.mean(moves)),
            "move_share_max": max(moves),
        }


def evaluate(tracks: Sequence[Track], seeds: Sequence[int], dims: int, steps: Steps) -> dict[str, Any]:
    """The report, as `--json` prints it."""
    return {
        "tracks": len(tracks),
        "compared": min(STRESS_N, len(tracks)),
        "seeds": list(seeds),
        "dims": dims,
        "variants": {variant: _joined([_one(variant, tracks, seed, dims, steps) for seed in seeds]) for variant in VARIANTS},
    }


def _joined(found: Sequence[dict[str, dict[str, float]]]) -> dict[str, dict[str, dict[str, float]]]:
    return {
        who: {name: {**spread(values), "deviation": round(float(np.std(values)), 5)} for name, values in _columns(found, who).items()}
        for who in found[0]
    }


def _columns(found: Sequence[dict[str, dict[str, float]]], who: str) -> dict[str, list[float]]:
    return {name: [one[who][name] for one in found] for name in found[0][who]}


def _one(variant: Variant, tracks: Sequence[Track], seed: int, dims: int, steps: Steps) -> dict[str, dict[str, float]]:
    order = np.random.default_rng(seed).permutation(len(tracks))
    with steps(f"{variant}, seed {seed}", len(tracks)) as show:
        run = play(variant, tracks, order, dims, show)
    chosen = [tracks[i] for i in np.random.default_rng([seed, 1]).permutation(len(tracks))[:STRESS_N]]
    points = run.model.points(np.array([track.numbers for track in chosen]), run.model.evidence(chosen, learned=True))
    distances = cdist(points, points)
    ours, batch = run.ours.told(points, distances), _truth(library_mds(distances, dims), distances)
    return {
        "ours": {**ours, "over_batch": ours["stress"] / batch["stress"], "versions": float(run.ours.map.version)},
        "library_landmarks": run.library.told(points, distances),
        "batch": batch,
        "classical": _truth(classical(distances, dims), distances),
    }


def _truth(places: F64, distances: F64) -> dict[str, float]:
    return {"stress": stress(places, distances), "neighbours": neighbours_kept(distances, places)}


def play(variant: Variant, tracks: Sequence[Track], order: I64, dims: int, show: Callable[[int], None]) -> Watched:
    """Tracks one by one in `order`; the maps follow every review of the clusters."""
    model = MicroGenres(variant)
    first = min(FIRST_N, max(len(order) // 2, 1))
    old = [tracks[i] for i in order[:first][:WATCHED_N]]
    ours, library = Followed(TrackMap(dims), old), Followed(LibraryMap(dims), old)
    for done, i in enumerate(order.tolist(), 1):
        reviewed = model.review_at
        model.learn_one(tracks[i])
        for it in (ours, library):
            if done >= first and (model.review_at != reviewed or not it.map.version):
                it.update(model)
            if done >= first and (done - first) % EVERY == 0:
                it.look(model)
        show(done)
    return Watched(model, ours, library)
