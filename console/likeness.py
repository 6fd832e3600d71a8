"""How alike tracks sound, and how alike their words are: from the catalogue's rows and what the models of clusters made of them.

*Sound*: the distance between the ten audio features of `micro_genres`, each in standard deviations; 1 is the same, and 0 as far apart
as two tracks are on average, or farther. *Words*: the cosine of what tags, titles, albums, artists and lyrics mean to `text_clusters`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from console.catalogue_rows import READ_AT_ONCE
from console.catalogue_state import Place, place_of
from console.micro_genre_state import MODEL, TEXT_MODEL
from console.model_parts import parts_of
from console.redis_door import State
from online_models.arrays import F64
from online_models.clusters.frame import Frame
from online_models.clusters.track import AUDIO, track_of
from online_models.texts.meaning import Meaning, hashes_of
from online_models.texts.text import text_of

APART: Final = float(np.sqrt(2.0 * len(AUDIO)))
"""Distance of two tracks at random, where features are independent: each differs by the root of 2 deviations."""
FRAME: Final = "clusters-frame"
WORDS: Final = {f"clusters-{name}": name for name in ("meta", "owners", "counts", "sums", "mean")}


class Content(NamedTuple):
    """What the catalogue says of a track."""

    sound: F64 | None
    """(10,) in standard deviations; None = it has no audio feature, or no model knows their scale."""
    words: F64 | None
    """(32,) of length 1; None = nothing is known of any of its words."""

    @property
    def is_known(self) -> bool:
        """Is there anything to compare by?"""
        return self.sound is not None or self.words is not None


NOTHING: Final = Content(None, None)


class Contents:
    """Contents of tracks, each read once.

    Raises `Trouble` where Redis is away.
    """

    def __init__(self, state: State) -> None:
        self._state: State = state
        self._place: Place = place_of(state.settings, users=False)
        self._frame, self._meaning = _frame(state), _meaning(state)
        self._known: dict[str, Content] = {}

    @property
    def exist(self) -> bool:
        """Is there a model to compare by?"""
        return self._frame is not None or self._meaning is not None

    def of(self, tracks: Sequence[str]) -> Mapping[str, Content]:
        """Contents of these tracks at least; of one that the catalogue does not have, nothing is known."""
        new = [track for track in dict.fromkeys(tracks) if track not in self._known]
        for start in range(0, len(new), READ_AT_ONCE):
            some = new[start : start + READ_AT_ONCE]
            rows = self._state.many([(self._place.row_key(track), ("row",)) for track in some])
            self._known.update({track: self._content(row[0]) for track, row in zip(some, rows, strict=True)})
        return self._known

    def _content(self, raw: bytes | None) -> Content:
        if raw is None:
            return NOTHING
        row: dict[str, Any] = msgspec.json.decode(raw)
        track = track_of({**row, **row.get("features", {}), "genre": "", "tags": ()})
        heard = track.numbers[: len(AUDIO)]
        sound = None if self._frame is None or np.isnan(heard).all() else self._frame.sound(track.numbers)[: len(AUDIO)]
        if self._meaning is None:
            return Content(sound, None)
        x, there = self._meaning.points([hashes_of(text_of(row).tokens())])
        return Content(sound, x[0] if there[0] else None)


def _frame(state: State) -> Frame | None:
    parts = parts_of(state, MODEL, (FRAME,))
    return None if parts is None else Frame.from_bytes(parts[FRAME])


def _meaning(state: State) -> Meaning | None:
    parts = parts_of(state, TEXT_MODEL, WORDS)
    if parts is None:
        return None
    meaning = Meaning()
    meaning.take({name: parts[part] for part, name in WORDS.items()}, int(msgspec.json.decode(parts["clusters-meta"])["n_tracks"]))
    return meaning


def sound_alike(seeds: Sequence[Content], other: Content) -> float | None:
    """0..1, of the nearest seed; None = unknown."""
    known = [seed.sound for seed in seeds if seed.sound is not None]
    if not known or other.sound is None:
        return None
    return max(0.0, 1.0 - min(float(np.linalg.norm(mine - other.sound)) for mine in known) / APART)


def words_alike(seeds: Sequence[Content], other: Content) -> float | None:
    """0..1, of the nearest seed; None = unknown."""
    known = [seed.words for seed in seeds if seed.words is not None]
    if not known or other.words is None:
        return None
    return max(0.0, max(float(mine @ other.words) for mine in known))
