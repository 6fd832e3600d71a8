"""What others read of the micro-genres: the clusters, and in which of them a track is. JSON, without the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from online_models.clusters.newest import New

MERGED_MAX: Final = 1_000
"""Clusters that are gone and still lead to another one, the newest: some 15 there are at once, and one in a hundred reviews goes."""


class Cluster(msgspec.Struct, frozen=True):
    """One micro-genre, as of the last review."""

    id: int
    """For ever: a cluster that moves keeps it, and no other ever gets it."""
    name: str
    size: int
    """Tracks; of more than are sampled, what the sample says of all that were seen."""
    share: float
    """Of all tracks seen."""
    genre: str
    """The genre in which it nests: that of most of its tracks with a genre; "" = none has one."""
    genres: dict[str, float]
    """Shares of its tracks with a genre, the largest first."""
    words: list[str]
    artists: list[str]
    """Over-represented in it."""


class Served(msgspec.Struct, frozen=True):
    """All clusters there are."""

    model: str
    version: int
    lessons: int
    """Tracks seen."""
    first_at: int
    """Tracks that must be seen before there are clusters."""
    clusters: list[Cluster]
    merged: list[tuple[int, int]]
    """(one that is gone, the one it went into), oldest first."""
    newest: dict[int, list[New]] = {}
    """By cluster, the tracks that came last, oldest first; of text clusters none are kept."""


class Placed(msgspec.Struct, frozen=True):
    """Where a track is."""

    cluster: int
    lessons: int
    """Tracks seen when this was said."""


def cluster_of(placed: int, served: Served) -> Cluster | None:
    """The cluster in which a track is that was `placed` in one then; None = that one is gone, and nobody knows any more where to.

    >>> rock = Cluster(7, "rock", 10, 1.0, "rock", {"rock": 1.0}, [], [])
    >>> served = Served("micro_genres", 1, 10, 1, [rock], [(3, 5), (5, 7)])
    >>> cluster_of(3, served) == cluster_of(7, served) == rock, cluster_of(4, served)
    (True, None)
    """
    return {cluster.id: cluster for cluster in served.clusters}.get(went(placed, dict(served.merged)))


def went(cluster: int, merged: Mapping[int, int]) -> int:
    """The end of the way; ids only grow old, so it has one."""
    for _ in range(MERGED_MAX):
        if cluster not in merged:
            break
        cluster = merged[cluster]
    return cluster
