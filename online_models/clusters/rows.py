"""Clean rows of the catalogue as models of places take them: checked, cut, and usable where nobody checked them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from online_models.cleaning.fields import TRACK
from online_models.clusters.track import Track, track_of
from online_models.genres.features import refuse_bad_values
from online_models.model import BadLesson

GENRE_CHARS_MAX: Final = 64
TEXT_CHARS_MAX: Final = 512
"""Of a title, an artist, an album, as the contract has it: the sample keeps them."""


def refuse_bad_row(values: Mapping[str, Any], genre: Any, w: float) -> None:
    """Raises `BadLesson` for what no clean row has, and for a weight."""
    refuse_bad_values(values)
    if w != 1.0:
        raise BadLesson("weight", f"weight={w}: every track is told of, each counts once")
    if not isinstance(genre, str) or len(genre) > GENRE_CHARS_MAX:
        raise BadLesson("label", f"{genre!r:.80} is no genre: text of at most {GENRE_CHARS_MAX} characters")


def clean_track(values: Mapping[str, Any], genre: str) -> Track:
    """The track of a row, its texts cut."""
    cut = {name: value[:TEXT_CHARS_MAX] if isinstance(value, str) else value for name, value in values.items()}
    return track_of({**cut, "genre": genre})


def usable_track(values: Mapping[str, Any]) -> Track:
    """The track of a row that nobody checked, and that has no genre."""
    return clean_track({name: value for name, value in values.items() if _is_usable(name, value)}, "")


def _is_usable(name: str, value: Any) -> bool:
    if name not in TRACK or TRACK[name].kind != "number":
        return True
    return isinstance(value, int | float) and TRACK[name].low <= value <= TRACK[name].high
