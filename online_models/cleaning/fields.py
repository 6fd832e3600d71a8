"""The declared fields of a track and of a user: kind, range, unit, and what stands in for a missing value.

Ranges of audio features are those of the Spotify Web API's documentation ("Get Track's Audio Features"): shares lie in
[0, 1], loudness is "typically" in -60..0 dB (a few masters exceed 0), key is a pitch class, 0 = C.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

Kind = Literal["id", "text", "artist", "category", "number", "date", "country", "language", "list"]


class Field(NamedTuple):
    """One field."""

    name: str
    kind: Kind
    low: float = 0.0
    high: float = 0.0
    """Of numbers: bounds, both included."""
    unit: Literal["", "share", "bpm", "dB", "ms", "years"] = ""
    whole: bool = False
    names: Literal["", "key", "mode", "count"] = ""
    """Words that stand for this field's numbers."""
    impute: Literal["", "mean", "median"] = ""
    """River's statistic that stands in for a missing value; "" = it stays out."""
    beside: tuple[str, ...] = ()
    """Of names: fields that tell who is meant where a spelling alone does not."""


def _share(name: str) -> Field:
    return Field(name, "number", 0.0, 1.0, "share", impute="mean")


SPAN_MS_MAX: Final = 86_400_000
"""A track of more than a day is an error."""
SPAN_MS_MIN: Final = 3_600
"""Shorter recordings exist, but a span below 3.6 s is nearly always one in seconds: 3,600 s is an hour, and songs are shorter."""

TRACK_FIELDS: Final = (
    Field("track_id", "id"),
    Field("title", "text"),
    Field("artist", "artist", beside=("album", "title")),
    Field("album", "text"),
    Field("genre", "category", beside=("subgenre",)),
    Field("subgenre", "category"),
    Field("tags", "list"),
    Field("country", "country"),
    Field("language", "language"),
    Field("lyrics", "text"),
    Field("released", "date"),
    Field("duration_ms", "number", SPAN_MS_MIN, SPAN_MS_MAX, "ms", whole=True, impute="median"),
    Field("popularity", "number", 0, 100, whole=True, impute="mean"),
    _share("danceability"),
    _share("energy"),
    _share("speechiness"),
    _share("acousticness"),
    _share("instrumentalness"),
    _share("liveness"),
    _share("valence"),
    Field("loudness", "number", -60.0, 5.0, "dB", impute="mean"),
    Field("tempo", "number", 20.0, 300.0, "bpm", impute="median"),
    Field("key", "number", 0, 11, whole=True, names="key"),
    Field("mode", "number", 0, 1, whole=True, names="mode"),
    Field("time_signature", "number", 1, 12, whole=True),
    Field("explicit", "number", 0, 1, whole=True),
)

USER_FIELDS: Final = (
    Field("user_id", "id"),
    Field("country", "country"),
    Field("language", "language"),
    Field("age", "number", 3, 120, "years", whole=True, names="count"),
    Field("birth_year", "number", 1880, 2100, whole=True),
    Field("gender", "category"),
)

TRACK: Final = {field.name: field for field in TRACK_FIELDS}
USER: Final = {field.name: field for field in USER_FIELDS}
