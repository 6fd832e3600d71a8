"""What a clean catalogue row says of a track: numbers of its sound, tokens that it shares with others, labels, names for people."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Final, NamedTuple

import numpy as np

from online_models.arrays import F64
from online_models.cleaning.text import folded
from online_models.cleaning.titles import take_apart
from online_models.cleaning.verdicts import Value

SHARE_FLOOR: Final = 0.01
"""Added before the logarithm of a share: below 1 % an analysis of sound tells no difference."""

AUDIO: Final = (
    "danceability",
    "energy",
    "loudness",
    "valence",
    "liveness",
    "tempo",
    "speechiness",
    "acousticness",
    "instrumentalness",
    "duration_ms",
)
"""Key and mode are left out: clusters by them are clusters of keys (adjusted mutual information with sub-genres .111 with both, .125
without, 24 clusters)."""
LOGS: Final = {
    "speechiness": SHARE_FLOOR,
    "acousticness": SHARE_FLOOR,
    "instrumentalness": SHARE_FLOOR,
    "liveness": SHARE_FLOOR,
    "duration_ms": 1.0,
}
"""Skewed features, as log(value + this): .133 in place of .125."""
YEAR: Final = len(AUDIO)
"""Place of the year of release, which is said of a track and not heard in it."""
N_NUMBERS: Final = len(AUDIO) + 1

TOKENS_MAX: Final = 16
WORDS_MAX: Final = 10
ARTISTS_MAX: Final = 4
KINDS: Final = ("artist", "album", "word")
UNSPACED: Final = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]+")
"""Thai, Lao, Japanese and Chinese are written without spaces: pairs of neighbouring signs stand for words."""
WORD: Final = re.compile(r"[^\W\d_]{3,}")


class Track(NamedTuple):
    """One track."""

    numbers: F64
    """(11,): `AUDIO`, skewed ones as logarithms, and the year; NaN = unknown."""
    artists: tuple[str, ...]
    album: str
    words: tuple[str, ...]
    """Of title and album, each once, lower case."""
    labels: tuple[str, ...]
    """Genre and tags, as the catalogue writes them."""

    def tokens(self) -> list[tuple[int, int]]:
        """(kind, 64-bit hash) of what it shares with other tracks, at most `TOKENS_MAX`."""
        named = [(0, folded(name)) for name in self.artists] + [(1, folded(self.album))] * bool(self.album)
        return [(kind, hashed(f"{KINDS[kind]}:{text}")) for kind, text in (*named, *((2, word) for word in self.words))][:TOKENS_MAX]


def track_of(values: Mapping[str, Value]) -> Track:
    """A track from the fields of a clean row; absent fields stay unknown.

    >>> track = track_of({"title": "Desert Rose (feat. Cheb Mami)", "artist": "Sting", "album": "Brand New Day", "energy": 0.5})
    >>> track.artists, track.words, float(track.numbers[1])
    (('Sting', 'Cheb Mami'), ('desert', 'rose', 'brand', 'new', 'day'), 0.5)
    """
    title = take_apart(str(values["title"])) if values.get("title") else None
    album = str(values.get("album", ""))
    artist = (str(values["artist"]),) if values.get("artist") else ()
    artists = dict.fromkeys((*artist, *(title.featured if title else ())))
    found = dict.fromkeys((*words(title.name if title else ""), *words(album)))
    genre = (str(values["genre"]),) if values.get("genre") else ()
    tags = values.get("tags", ())
    labels = dict.fromkeys((*genre, *(tags if isinstance(tags, tuple) else ())))
    return Track(_numbers(values), tuple(artists)[:ARTISTS_MAX], album, tuple(found)[:WORDS_MAX], tuple(labels)[:TOKENS_MAX])


def words(text: str) -> Iterator[str]:
    """Words of three letters and more; pairs of signs where words have no spaces between them.

    >>> list(words("Rock 'n' Roll 2000")), list(words("東京事変"))
    (['rock', 'roll'], ['東京', '京事', '事変'])
    """
    low = text.casefold()
    for run in UNSPACED.findall(low):
        yield from (run[i : i + 2] for i in range(max(1, len(run) - 1)))
    yield from WORD.findall(UNSPACED.sub(" ", low))


def hashed(text: str) -> int:
    """64 bits of a text, the same in every process.

    >>> hashed("artist:sting") == hashed("artist:sting") != hashed("word:sting")
    True
    """
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


def _numbers(values: Mapping[str, Value]) -> F64:
    found = np.full(N_NUMBERS, np.nan)
    for i, name in enumerate(AUDIO):
        value = values.get(name)
        if isinstance(value, int | float):
            found[i] = math.log(max(value, 0.0) + LOGS[name]) if name in LOGS else float(value)
    released = str(values.get("released", ""))[:4]
    if released.isdecimal():
        found[YEAR] = float(released)
    return found
