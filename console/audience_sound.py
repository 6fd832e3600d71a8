"""How the invented tracks sound: a genre has its place among the audio features, its artists and albums lie around it.

Everything follows from names, so the same catalogue sounds the same every time. Of some tracks nobody said the genre.
"""

from __future__ import annotations

from functools import lru_cache
from random import Random
from typing import Any, Final

from console.audience_catalogue import GENRES, Track

SHARES: Final = ("danceability", "energy", "speechiness", "acousticness", "instrumentalness", "liveness", "valence")
LABELLED_SHARE: Final = 0.7
SPREAD: Final = {"artist": 0.08, "album": 0.04, "track": 0.05}
"""Standard deviations around what it is part of; genres lie anywhere between 0 and 1."""
NAMES_KEPT: Final = 4_096


@lru_cache(NAMES_KEPT)
def _place(genre: str) -> tuple[float, ...]:
    rng = Random(f"genre {genre}")
    return tuple(rng.random() for _ in (*SHARES, "tempo", "loudness"))


@lru_cache(NAMES_KEPT)
def _offset(kind: str, name: str) -> tuple[float, ...]:
    rng = Random(f"{kind} {name}")
    return tuple(rng.gauss(0.0, SPREAD[kind]) for _ in (*SHARES, "tempo", "loudness"))


def sound_of(track: Track) -> dict[str, float]:
    """Audio features, in the units of the contract."""
    around = (_offset("artist", track.artist), _offset("album", f"{track.artist} {track.album}"), _offset("track", track.track_id))
    values = [min(max(sum(parts), 0.0), 1.0) for parts in zip(_place(GENRES[track.genre]), *around, strict=True)]
    shares = {name: round(value, 3) for name, value in zip(SHARES, values, strict=False)}
    return {**shares, "tempo": round(70.0 + 110.0 * values[-2], 1), "loudness": round(-24.0 + 20.0 * values[-1], 1)}


def record_of(track: Track) -> dict[str, Any]:
    """The record of the contract on `tracks`.

    >>> from console.audience_catalogue import Catalogue
    >>> track = Catalogue(Random(1)).artists[0].albums[0].tracks[0]
    >>> record_of(track)["features"]["energy"] == record_of(track)["features"]["energy"], record_of(track)["track_id"]
    (True, 't-rock-0001')
    """
    body: dict[str, Any] = {
        "track_id": track.track_id,
        "title": track.title,
        "artist": track.artist,
        "album": track.album,
        "duration_ms": track.duration_ms,
        "features": sound_of(track),
    }
    if Random(f"label {track.track_id}").random() < LABELLED_SHARE:
        body["genre"] = GENRES[track.genre]
    return body
