"""One stream of rows: cleaned, linked and learned from in order, with its memory as plain data that a store can keep.

Whoever keeps what `changes` gives, beside the position in the stream, can go on anywhere with `restore` and cleans the next
rows as if nothing had happened: rows, links and counts are a function of the stream alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from online_models.cleaning.duplicates import Recordings
from online_models.cleaning.fields import Field
from online_models.cleaning.rows import CleanRow, Counts, RowCleaner

SONG: Final = "song:"
"""Places of recordings: their song's hash behind it, 16 hex digits. No field is called so."""


class Cleaned(NamedTuple):
    """A row, and the id under which the same recording came before."""

    row: CleanRow
    same_as: str | None


class CleanStream:
    """Cleans the rows of one stream.

    Parameters
    ----------
    fields: the first is the row's identity.
    names_max: names that are remembered, of each field, and words beside them.
    songs_max: songs whose recordings are linked; 0 where rows are no tracks.

    >>> from online_models.cleaning.fields import TRACK_FIELDS
    >>> one, other = CleanStream(TRACK_FIELDS), CleanStream(TRACK_FIELDS)
    >>> _ = one.take({"track_id": "t1", "artist": "Queen", "title": "Innuendo", "duration_ms": 390_000})
    >>> other.restore(one.changes(), one.counts.plain())
    >>> other.take({"track_id": "t2", "artist": "QUEEN", "title": "Innuendo (Remastered)", "duration_ms": "6:31"}).same_as
    't1'
    """

    def __init__(self, fields: Iterable[Field], *, names_max: int = 25_000, songs_max: int = 250_000) -> None:
        self._cleaner = RowCleaner(fields, names_max=names_max)
        self._recordings = Recordings(songs_max)
        self._links = songs_max > 0
        self._touched: dict[str, None] = {}

    @property
    def counts(self) -> Counts:
        """What cleaning did so far."""
        return self._cleaner.counts

    def take(self, raw: Mapping[str, object]) -> Cleaned:
        """Clean a row, link it, and learn from it. Raises `BadRow`."""
        row = self._cleaner.clean_one(raw)
        self._touched.update(dict.fromkeys(self._cleaner.touched(row)))
        self._cleaner.learn_one(raw, row)
        return Cleaned(row, self._linked(row) if self._links else None)

    def _linked(self, row: CleanRow) -> str | None:
        song = Recordings.song(row)
        if song is not None:
            self._touched[f"{SONG}{song:016x}"] = None
        return self._recordings.add(str(row.values[self._cleaner.identity]), row)

    def changes(self) -> dict[str, Any]:
        """Place -> what is known there, of every place that may have changed since this was asked last; encode it before the next row."""
        touched, self._touched = self._touched, {}
        found = {place: self._evidence(place) for place in touched}
        return {place: evidence for place, evidence in found.items() if evidence is not None}

    def restore(self, evidence: Mapping[str, Any], counts: Mapping[str, Any]) -> None:
        """All that `changes` ever gave, the newest of each place; and the counts as `Counts.plain` gave them."""
        for place, known in evidence.items():
            if place.startswith(SONG):
                self._recordings.takes[int(place.removeprefix(SONG), 16)] = [(ms, first) for ms, first in known]
            else:
                self._cleaner.restore(place, known)
        self.counts.restore(counts)

    def _evidence(self, place: str) -> Any:
        if place.startswith(SONG):
            return self._recordings.takes.get(int(place.removeprefix(SONG), 16))
        return self._cleaner.evidence(place)
