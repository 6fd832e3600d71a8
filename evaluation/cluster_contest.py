"""Clusters of a catalogue, track after track: are they as good as what a batch finds, and do they stay what they are?

Every track is placed before it is learned, from what the tracks before it said. Measured against names that the model never
reads (sub-genres): adjusted mutual information of the clusters of arrival, and of the last clusters. And against itself: do shuffled
orders agree, does a track keep its cluster, how much is born, split and merged on the way.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import combinations
from typing import Any, Final, NamedTuple

import numpy as np

from evaluation.agreement import ahead, mutual_information, rand, spread, table
from evaluation.cluster_rivals import batch_kmeans, plain_audio, river_kmeans, standardised
from online_models.arrays import F64, I64
from online_models.clusters.frame import VARIANTS, Variant
from online_models.clusters.micro_genres import MicroGenres
from online_models.clusters.naming import shown
from online_models.clusters.partition import CLUSTERS_MAX
from online_models.clusters.track import AUDIO, Track
from online_models.texts.text_clusters import TextClusters

Steps = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Shows progress: what, of how many; the manager gives what is to be told how many are done."""

NOT_YET: Final = -1
LEFT_OUT: Final = -2
"""Instead of a rival's cluster, where it was not asked about a track."""


class Played(NamedTuple):
    """One catalogue in one order."""

    model: MicroGenres | TextClusters
    at_arrival: I64
    """(n,) cluster in which a track was put first; those that came before the clusters, when these were born."""
    last: I64
    """(n,) cluster of the same track at the end, by what was known of it when it came."""
    now: I64
    """(n,) the same by all that is known at the end; of micro-genres never from the track itself."""
    ms_per_track: float
    """CPU, to place and to learn."""


def play(variant: Variant, tracks: Sequence[Track], order: I64, show: Callable[[int], None]) -> Played:
    """Tracks one by one in `order`."""
    model, first = MicroGenres(variant), np.full(len(tracks), NOT_YET, np.int64)
    known: list[F64] = []
    spent_s = 0.0
    for done, i in enumerate(order.tolist(), 1):
        known.append(model.evidence([tracks[i]], learned=False)[0])
        started_s = time.process_time()
        cluster = model.learn_one(tracks[i])
        spent_s += time.process_time() - started_s
        if cluster is not None:
            first[i] = cluster
        elif model.number:
            first[order[:done]] = _placed(model, tracks, order[:done], np.array(known))
        show(done)
    last = np.empty_like(first)
    last[order] = _placed(model, tracks, order, np.array(known))
    now = _placed(model, tracks, np.arange(len(tracks)), model.evidence(tracks, learned=True))
    return Played(model, first, last, now, 1e3 * spent_s / len(tracks))


def _placed(model: MicroGenres, tracks: Sequence[Track], order: I64, evidence: F64) -> I64:
    if not model.number:
        return np.full(len(order), NOT_YET, np.int64)
    return model.place(model.points(np.array([tracks[i].numbers for i in order]), evidence))


def evaluate(tracks: Sequence[Track], target: I64, seeds: Sequence[int], steps: Steps) -> dict[str, Any]:
    """The report on micro-genres, as `--json` prints it; `target` (n,) are the names that no model reads."""
    rivals = Rivals(tracks, steps)
    return {
        "tracks": len(tracks),
        "targets": int(target.max()) + 1,
        "seeds": list(seeds),
        "variants": {variant: _variant(variant, tracks, target, seeds, rivals, steps) for variant in VARIANTS},
    }


def _variant(variant: Variant, tracks: Sequence[Track], target: I64, seeds: Sequence[int], rivals: Rivals, steps: Steps) -> dict[str, Any]:
    runs, orders = [], shuffled(seeds, len(tracks))
    for seed, order in zip(seeds, orders, strict=True):
        with steps(f"{variant}, seed {seed}", len(tracks)) as show:
            runs.append(play(variant, tracks, order, show))
    found = [rivals.of(run.model.number, seed, order) for run, seed, order in zip(runs, seeds, orders, strict=True)]
    return told(runs, [run.last for run in runs], target, seeds, found)


def shuffled(seeds: Sequence[int], n: int) -> list[I64]:
    """An order of `n` things for each seed."""
    return [np.random.default_rng(seed).permutation(n) for seed in seeds]


def told(
    runs: Sequence[Played], ours: Sequence[I64], target: I64, seeds: Sequence[int], rivals: Sequence[Mapping[str, I64]]
) -> dict[str, Any]:
    """What is told of one kind of clusters: of each seed its run, and our clusters (n,) that are set against those of each rival.

    A rival has `LEFT_OUT` where it was not asked about a track.
    """
    against = [_against(mine, target, seed, theirs) for mine, seed, theirs in zip(ours, seeds, rivals, strict=True)]
    return {**_themselves(runs, target), "rivals": _joined(against), "clusters": _clusters(runs[0])}


class Rivals:
    """Clusters of each rival by number and order, each worked out once."""

    def __init__(self, tracks: Sequence[Track], steps: Steps) -> None:
        self._numbers = np.array([track.numbers for track in tracks])
        self._steps = steps
        self._known: dict[tuple[int, int], dict[str, I64]] = {}

    def of(self, k: int, seed: int, order: I64) -> dict[str, I64]:
        """Rival -> clusters (n,), as many as ours."""
        k = max(k, 2)
        if (k, seed) not in self._known:
            same = standardised(self._numbers[:, : len(AUDIO)])
            with self._steps(f"rivals of {k} clusters, seed {seed}", 3) as show:
                plain = batch_kmeans(plain_audio(self._numbers), k, seed)
                show(1)
                batch = batch_kmeans(same, k, seed)
                show(2)
                river = river_kmeans(same, order, k, seed)
            names = "batch k-means, plain audio", "batch k-means, the same audio", "River's KMeans, the same audio"
            self._known[k, seed] = dict(zip(names, (plain, batch, river), strict=True))
        return self._known[k, seed]


def _themselves(runs: Sequence[Played], target: I64) -> dict[str, Any]:
    events = [Counter(event.what for event in run.model.events) for run in runs]
    pairs = [rand(table(a.now, b.now)) for a, b in combinations(runs, 2)]
    return {
        "number": spread([run.model.number for run in runs]),
        "ami": spread([mutual_information(table(run.last, target)) for run in runs]),
        "ami_at_arrival": spread([mutual_information(table(run.at_arrival, target)) for run in runs]),
        "ami_now": spread([mutual_information(table(run.now, target)) for run in runs]),
        "orders_agree": spread(pairs) if pairs else None,
        "kept_share": spread([float((run.last == run.at_arrival).mean()) for run in runs]),
        "events": {what: spread([count[what] for count in events]) for what in ("born", "split", "merged")},
        "events_per_cluster": spread([sum(count.values()) / max(run.model.number, 1) for count, run in zip(events, runs, strict=True)]),
        "ms_per_track": spread([run.ms_per_track for run in runs]),
    }


def _against(mine: I64, target: I64, seed: int, rivals: Mapping[str, I64]) -> dict[str, dict[str, Any]]:
    """How much rivals say of the target, and ours of the same tracks, with how many clusters of how many tracks."""
    found = {}
    for name, labels in rivals.items():
        asked = labels != LEFT_OUT
        ours, theirs, names = mine[asked], labels[asked], target[asked]
        number = len(np.unique(theirs))
        found[name] = {
            "ami": mutual_information(table(theirs, names)),
            "ours": mutual_information(table(ours, names)),
            "ahead": ahead(ours, theirs, names, seed) if number <= CLUSTERS_MAX else None,
            "number": number,
            "tracks": len(theirs),
        }
    return found


def _joined(against: Sequence[dict[str, dict[str, Any]]]) -> dict[str, Any]:
    """Per rival the spread over seeds, and each seed's interval; None where so many clusters say more in a resample than in truth."""
    return {
        name: {
            **{what: spread([found[name][what] for found in against]) for what in ("ami", "ours", "number")},
            "ahead": [found[name]["ahead"] for found in against],
            "tracks": against[0][name]["tracks"],
        }
        for name in against[0]
    }


def _clusters(run: Played) -> list[dict[str, Any]]:
    """The clusters of the first seed, largest first."""
    sizes = Counter(run.now.tolist())
    named = zip(run.model.ids, shown(run.model.names), run.model.names, strict=True)
    return [
        {"id": cluster, "name": text, "tracks": sizes[cluster], **name._asdict()}
        for cluster, text, name in sorted(named, key=lambda row: (-sizes[row[0]], row[0]))
    ]
