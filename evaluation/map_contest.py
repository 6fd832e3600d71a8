"""A map that follows a catalogue, track after track: is it as true as a batch's, and does it stand still?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from scipy.spatial.distance import cdist

from evaluation.agreement import spread
from evaluation.cluster_contest import Steps
from online_models.arrays import F64, I64
from online_models.clusters.frame import Variant
from online_models.clusters.micro_genres import FIRST_N, MicroGenres
from online_models.clusters.track import Track
from online_models.maps.scaling import classical, majorised, stress
from online_models.maps.track_map import TrackMap

STRESS_N: Final = 2_000
"""Tracks whose distances are compared, of any time."""
WATCHED_N: Final = 1_000
"""Tracks whose movement is measured, of those before the first map."""
EVERY: Final = 1_000
"""Arrivals between two looks."""
BATCH_STEPS: Final = 300
VARIANTS: Final[tuple[Variant, ...]] = ("audio", "company", "labels")


class Watched(NamedTuple):
    """A map at the end of one order."""

    model: MicroGenres
    map: TrackMap
    moves: list[float]
    """Mean way of old tracks per 1,000 arrivals, as a share of the diameter."""


def evaluate(tracks: Sequence[Track], seeds: Sequence[int], dims: int, steps: Steps) -> dict[str, Any]:
    """The report, as `--json` prints it."""
    return {
        "tracks": len(tracks),
        "seeds": list(seeds),
        "dims": dims,
        "variants": {variant: _joined([_one(variant, tracks, seed, dims, steps) for seed in seeds]) for variant in VARIANTS},
    }


def _joined(found: Sequence[dict[str, float]]) -> dict[str, dict[str, float]]:
    return {name: spread([one[name] for one in found]) for name in found[0]}


def _one(variant: Variant, tracks: Sequence[Track], seed: int, dims: int, steps: Steps) -> dict[str, float]:
    order = np.random.default_rng(seed).permutation(len(tracks))
    with steps(f"{variant}, seed {seed}", len(tracks)) as show:
        run = play(variant, tracks, order, dims, show)
    chosen = [tracks[i] for i in np.random.default_rng([seed, 1]).permutation(len(tracks))[:STRESS_N]]
    points = run.model.points(np.array([track.numbers for track in chosen]), run.model.evidence(chosen, learned=True))
    distances = cdist(points, points)
    start = classical(distances, dims)
    mine, batch = stress(run.map.place(points), distances), stress(majorised(distances, start, BATCH_STEPS), distances)
    return {
        "stress": mine,
        "stress_batch": batch,
        "stress_classical": stress(start, distances),
        "stress_over_batch": mine / batch,
        "move_share_mean": float(np.mean(run.moves)),
        "move_share_max": float(max(run.moves)),
        "versions": float(run.map.version),
    }


def play(variant: Variant, tracks: Sequence[Track], order: I64, dims: int, show: Callable[[int], None]) -> Watched:
    """Tracks one by one in `order`; the map follows every review of the clusters."""
    model, made, moves = MicroGenres(variant), TrackMap(dims), list[float]()
    first = min(FIRST_N, max(len(order) // 2, 1))
    old = [tracks[i] for i in order[:first][:WATCHED_N]]
    before: F64 | None = None
    for done, i in enumerate(order.tolist(), 1):
        reviewed = model.review_at
        model.learn_one(tracks[i])
        if done >= first and (model.review_at != reviewed or not made.version):
            made.update(model)
        if done >= first and (done - first) % EVERY == 0:
            now = made.place(model.points(np.array([track.numbers for track in old]), model.evidence(old, learned=True)))
            if before is not None:
                moves.append(float(np.linalg.norm(now - before, axis=1).mean() / cdist(now, now).max()))
            before = now
        show(done)
    return Watched(model, made, moves or [0.0])
