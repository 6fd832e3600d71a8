"""Text clusters on a catalogue, track after track, beside what a batch finds and River's clusters of texts."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from evaluation.cluster_contest import LEFT_OUT, NOT_YET, Played, Steps, shuffled, told
from evaluation.cluster_rivals import batch_kmeans
from evaluation.text_rivals import latent_meaning, river_textclust
from online_models.arrays import F64, I64, U64
from online_models.texts.meaning import hashes_of
from online_models.texts.text import Text
from online_models.texts.text_clusters import NOWHERE, TextClusters

RIVER_N: Final = 12_000
"""Texts of each order that River's model is given, the first: it takes milliseconds for each, and the more it has seen the more."""

assert NOWHERE == NOT_YET, "a text in no cluster is told of in the same way"


def evaluate(texts: Sequence[Text], target: I64, seeds: Sequence[int], steps: Steps) -> dict[str, Any]:
    """The report on text clusters, as `--json` prints it; `target` (n,) are the names that no model reads.

    Rivals are asked of texts that they learned, so ours are compared by all that is known at the end.
    """
    runs, rivals = [], []
    hashes, latent = [hashes_of(text.tokens()) for text in texts], latent_meaning(texts)
    for seed, order in zip(seeds, shuffled(seeds, len(texts)), strict=True):
        with steps(f"texts, seed {seed}", len(texts)) as show:
            runs.append(play(texts, hashes, order, show))
        with steps(f"rivals of texts, seed {seed}", min(RIVER_N, len(texts))) as show:
            rivals.append(_rivals(texts, order, runs[-1], latent, seed, show))
    played = [run.played for run in runs]
    return told(played, [run.now for run in played], target, seeds, rivals)


class Run(NamedTuple):
    """One catalogue in one order, and what its texts (n, 32) mean at the end."""

    played: Played
    points: F64


def play(texts: Sequence[Text], hashes: Sequence[U64], order: I64, show: Callable[[int], None]) -> Run:
    """Texts, and the hashes of their tokens, one by one in `order`."""
    model, first = TextClusters(), np.full(len(texts), NOT_YET, np.int64)
    known: list[F64] = []
    spent_s = 0.0
    for done, i in enumerate(order.tolist(), 1):
        known.append(model.meaning.points([hashes[i]])[0][0])
        started_s, unborn = time.process_time(), not model.number
        cluster = model.learn_one(texts[i])
        spent_s += time.process_time() - started_s
        if cluster is not None:
            first[i] = cluster
        elif unborn and model.number:
            first[order[:done]] = _placed(model, np.array(known))
        show(done)
    last = np.empty_like(first)
    last[order] = _placed(model, np.array(known))
    points = model.meaning.points(hashes)[0]
    return Run(Played(model, first, last, _placed(model, points), 1e3 * spent_s / len(texts)), points)


def _placed(model: TextClusters, points: F64) -> I64:
    """Clusters (m,) of points of which 0 means that no word is known."""
    if not model.number:
        return np.full(len(points), NOT_YET, np.int64)
    return np.where(points.any(axis=1), model.place(points), NOT_YET)


def _rivals(texts: Sequence[Text], order: I64, run: Run, latent: F64, seed: int, show: Callable[[int], None]) -> dict[str, I64]:
    """Rival -> clusters (n,), the batches' as many as ours."""
    k, some = max(run.played.model.number, 2), order[:RIVER_N]
    river = np.full(len(texts), LEFT_OUT, np.int64)
    river[some] = river_textclust([texts[i] for i in some.tolist()], show)
    return {
        "batch k-means, the same words": batch_kmeans(run.points, k, seed),
        "latent semantic analysis, batch k-means": batch_kmeans(latent, k, seed),
        "River's TextClust": river,
    }
