"""What stands of a model of clusters in Redis: the clusters, and in which of them a track is."""

from __future__ import annotations

from typing import Final

import msgspec

from console.redis_door import State
from online_models.clusters.served import Cluster, Placed, Served, cluster_of

MODEL: Final = "micro_genres"
TEXT_MODEL: Final = "text_clusters"


def served(state: State, model: str = MODEL) -> Served | None:
    """The clusters as they are served, the largest first; None = no worker saved any."""
    raw = state.text(state.keys.serving(model))
    if raw is None:
        return None
    found = msgspec.json.decode(raw, type=Served)
    return msgspec.structs.replace(found, clusters=sorted(found.clusters, key=lambda cluster: (-cluster.size, cluster.id)))


def micro_genre_of(state: State, track_id: str, model: str = MODEL) -> Cluster | None:
    """The cluster of a track; None = nobody placed it (yet), or its cluster is gone."""
    return cluster_said(state.text(state.keys.answer(model, track_id)), served(state, model))


def cluster_said(said: bytes | None, clusters: Served | None) -> Cluster | None:
    """The cluster that was said of a track, as of now; None = nothing was said, nothing is served, or it is gone."""
    if said is None or clusters is None:
        return None
    return cluster_of(msgspec.json.decode(said, type=Placed).cluster, clusters)
