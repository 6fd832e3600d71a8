"""A small clean catalogue: some artists with many tracks, some with one; every field that faults can happen to."""

from __future__ import annotations

from random import Random
from typing import Any

ARTISTS = ("Motörhead", "The Cardigans", "Simon & Garfunkel", "Guns N' Roses", "Ana María", "Oak", "Elm")
GENRES = {"rock": ("album rock", "hard rock"), "pop": ("dance pop", "electropop"), "r&b": ("neo soul", "hip pop")}
WORDS = ("Silver", "Morning", "Río", "Dancing", "Nobody's", "Winter", "Blue", "Café")
SHARES = ("danceability", "energy", "speechiness", "acousticness", "instrumentalness", "liveness", "valence")


def catalogue(n: int, seed: int = 1) -> list[dict[str, Any]]:
    """`n` rows as a csv has them: texts. One in ten is a track that has a row already."""
    chance = Random(seed)
    rows: list[dict[str, Any]] = []
    for k in range(n):
        if k > 9 and k % 10 == 0:
            rows.append(dict(rows[chance.randrange(len(rows))]))
            continue
        artist = chance.choice((*ARTISTS, *ARTISTS, f"Somebody Number {k}"))
        genre = chance.choice(tuple(GENRES))
        rows.append(
            {
                "track_id": f"t{k}",
                "title": f"{chance.choice(WORDS)} {chance.choice(WORDS)} {k}",
                "artist": artist,
                "album": f"{chance.choice(WORDS)} {artist[0]}{k % 4}",
                "genre": genre,
                "subgenre": chance.choice(GENRES[genre]),
                "released": chance.choice(
                    (f"{1980 + k % 40}-0{1 + k % 9}-{10 + k % 18}", f"{1980 + k % 40}", f"{1990 + k % 30}-0{1 + k % 9}")
                ),
                "duration_ms": str(chance.randrange(120_000, 400_000)),
                "popularity": str(chance.randrange(1, 100)),
                "loudness": f"{-1 - 20 * chance.random():.3f}",
                "tempo": f"{60 + 120 * chance.random():.3f}",
                "key": str(chance.randrange(12)),
                "mode": str(chance.randrange(2)),
                **{name: f"{0.05 + 0.9 * chance.random():.4f}" for name in SHARES},
            }
        )
    return rows
