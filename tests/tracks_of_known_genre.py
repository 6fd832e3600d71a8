"""Clean rows of tracks whose genre follows a rule: half of it is heard, the other half is known by the artist."""

from __future__ import annotations

import numpy as np

from online_models.cleaning.verdicts import Value

Track = tuple[dict[str, Value], str]
GENRES = ("ballad", "dance", "hop", "rock")
LOUD = {"ballad": False, "dance": True, "hop": False, "rock": True}


def tracks(n: int, seed: int) -> list[Track]:
    """Loud or soft is heard in energy and loudness; which of the two loud or soft genres it is, artists and a word tell."""
    rng = np.random.default_rng(seed)
    return [_track(rng, number) for number in range(n)]


def _track(rng: np.random.Generator, number: int) -> Track:
    genre = GENRES[int(rng.integers(len(GENRES)))]
    energy = float(np.clip(rng.normal(0.75 if LOUD[genre] else 0.35, 0.1), 0.0, 1.0))
    values: dict[str, Value] = {
        "track_id": f"t{number}",
        "title": f"Song {rng.integers(500)} {genre[:2]}ish",
        "artist": f"{genre} artist {rng.integers(12)}",
        "album": f"Album {rng.integers(200)}",
        "released": f"{rng.integers(1960, 2020)}-03-01",
        "energy": energy,
        "valence": float(rng.random()),
        "danceability": float(rng.random()),
        "loudness": -12.0 + 8.0 * energy,
        "tempo": float(np.clip(rng.normal(120.0, 20.0), 50.0, 220.0)),
        "key": int(rng.integers(12)),
        "mode": int(rng.integers(2)),
        "duration_ms": int(rng.integers(120_000, 300_000)),
    }
    if rng.random() < 0.1:
        del values["tempo"]
    return values, genre
