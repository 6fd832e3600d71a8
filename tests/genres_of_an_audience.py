"""What a models worker would serve of the audience's tracks: a micro-genre per genre, and of jazz nobody knows where it belongs."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from console.audience_catalogue import GENRES
from infra.keys import Keys
from online_models.clusters.served import Cluster, Placed, Served

UNKNOWN = "jazz"


def genre_of(track: str) -> str:
    """The audience's ids name it."""
    return track.split("-")[1]


def served(namespace: str, tracks: Iterable[str]) -> dict[str, bytes]:
    """By key; some tracks are in clusters that are gone and lead to the others."""
    keys = Keys(namespace)
    clusters = [Cluster(100 + k, f"micro {genre}", 10, 0.1, genre, {}, [], []) for k, genre in enumerate(GENRES)]
    gone = [(k, 100 + k) for k in range(len(GENRES))]
    known = [(track, GENRES.index(genre_of(track))) for track in tracks if genre_of(track) != UNKNOWN]
    answers = {track: k + 100 * (int(track[-1]) % 2) for track, k in known}
    told = {keys.answer("micro_genres", track): msgspec.json.encode(Placed(cluster, 9)) for track, cluster in answers.items()}
    return {keys.serving("micro_genres"): msgspec.json.encode(Served("micro_genres", 1, 9, 4, clusters, gone)), **told}
