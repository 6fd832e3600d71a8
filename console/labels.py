"""The genre and the moods of tracks, as lists and charts are asked for them.

A genre is the catalogue's own where the row has one, and else the likeliest that the model `genre` names, from `LIKELY` on.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal, NamedTuple

import msgspec

from console.catalogue_rows import CatalogueRows, Row
from console.redis_door import State
from console.trouble import Exit, Trouble
from online_models.answers import Answer
from online_models.cleaning.spelling import category_key
from online_models.moods import NAMES, described, moods_of

MODEL: Final = "genre"
LIKELY: Final = 0.6
"""A model's answer counts from this probability on: 73 % of tracks are answered so, 86 % of them rightly (docs/lists-and-charts.md)."""

GENRES_SHOWN: Final = 40


class Label(NamedTuple):
    """What is known of one track; all unknown where the catalogue does not have it."""

    title: str | None = None
    artist: str | None = None
    genre: str | None = None
    genre_by: Literal["catalogue", "model"] | None = None
    genre_p: float | None = None
    """The model's probability; None where the catalogue says it."""
    moods: tuple[str, ...] = ()


class Within(NamedTuple):
    """What a list or a chart stays within; "" = anything."""

    genre: str = ""
    mood: str = ""

    def holds(self, label: Label) -> bool:
        """Is a track with this label inside? Genres are compared as the cleaning compares them: R&B is rnb."""
        is_of_genre = not self.genre or (label.genre is not None and category_key(label.genre) == category_key(self.genre))
        return is_of_genre and (not self.mood or self.mood in label.moods)

    def __str__(self) -> str:
        return ", ".join(f"{what} {name!r}" for what, name in zip(self._fields, self, strict=True) if name)


def within(genre: str, mood: str) -> Within:
    """Raises `Trouble` for a mood that is not declared."""
    if mood and mood not in NAMES:
        raise Trouble(Exit.USAGE, f"no mood {mood!r}; there are {', '.join(NAMES)}", f"segue chart --mood {NAMES[0]}")
    return Within(genre.strip(), mood)


class Labels:
    """Labels of tracks, each read once."""

    def __init__(self, state: State) -> None:
        self._state, self.rows = state, CatalogueRows(state)
        self._known: dict[str, Label] = {}

    def of(self, tracks: Sequence[str]) -> Mapping[str, Label]:
        """Labels of these tracks at least."""
        new = [track for track in dict.fromkeys(tracks) if track not in self._known]
        if new:
            self._known.update(dict.fromkeys(new, Label()) | self._labelled(self.rows.read(new)))
        return self._known

    def every(self) -> Iterator[dict[str, Label]]:
        """Labels of the whole catalogue, some hundreds at a time; progress on stderr."""
        for rows in self.rows.every():
            yield self._labelled(rows)

    def _labelled(self, rows: Mapping[str, Row]) -> dict[str, Label]:
        answers = self._answers([track for track, row in rows.items() if row.genre is None])
        return {track: _label(row, answers.get(track)) for track, row in rows.items()}

    def _answers(self, tracks: Sequence[str]) -> dict[str, Answer]:
        texts = self._state.texts([self._state.keys.answer(MODEL, track) for track in tracks])
        found = zip(tracks, texts, strict=True)
        return {track: msgspec.json.decode(text, type=Answer) for track, text in found if text is not None}


def _label(row: Row, answer: Answer | None) -> Label:
    label = Label(row.title, row.artist, moods=moods_of(row.features.energy, row.features.valence, row.features.tempo))
    if row.genre is not None:
        return label._replace(genre=row.genre, genre_by="catalogue")
    if answer is not None and answer.p >= LIKELY:
        return label._replace(genre=answer.label, genre_by="model", genre_p=answer.p)
    return label


def nothing_within(labels: Labels, wanted: Within, why_else: str, next_command: str) -> Trouble:
    """Why there is no entry: a genre or a mood that no track of the catalogue has, or else `why_else`; the whole catalogue is read."""
    genres, moods, n_within = Counter[str](), Counter[str](), 0
    for some in labels.every():
        genres.update(label.genre for label in some.values() if label.genre is not None)
        moods.update(mood for label in some.values() for mood in label.moods)
        n_within += sum(wanted.holds(label) for label in some.values())
    if n_within:
        return Trouble(Exit.FAILURE, why_else, next_command)
    return _no_genre(wanted.genre, genres) or _no_mood(wanted, moods)


def _no_genre(genre: str, genres: Counter[str]) -> Trouble | None:
    if not genre or category_key(genre) in map(category_key, genres):
        return None
    if not genres:
        return Trouble(Exit.FAILURE, "no track of the catalogue has a genre", "segue import catalogue FILE --map genre=COLUMN")
    largest = _largest_first(genres)
    names = ", ".join(f"{name} ({genres[name]:,} tracks)" for name in largest[:GENRES_SHOWN])
    more = f", and {len(genres) - GENRES_SHOWN:,} more" if len(genres) > GENRES_SHOWN else ""
    return Trouble(Exit.FAILURE, f"no genre {genre!r}; there are {names}{more}", f"segue chart --genre {shlex.quote(largest[0])}")


def _no_mood(wanted: Within, moods: Counter[str]) -> Trouble:
    said = f"no track of {wanted}: the mood is {described(wanted.mood)}"
    if not moods:
        return Trouble(Exit.FAILURE, f"{said}, and no track of the catalogue has such features", "segue quality catalogue")
    return Trouble(Exit.FAILURE, said, f"segue chart --mood {_largest_first(moods)[0]}")


def _largest_first(counts: Counter[str]) -> list[str]:
    """Names by their counts; equals by name, for rows come in Redis' order, which is another every time."""
    return sorted(counts, key=lambda name: (-counts[name], name))
