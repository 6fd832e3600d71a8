"""Who made a track, from a catalogue file: topics of plays and their state know tracks by id alone."""

from __future__ import annotations

import difflib
import shlex
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import typer

from console.catalogue_file import TRACK_COLUMNS, fields_of
from console.trouble import Exit, Trouble

CatalogueFile = Annotated[
    Path | None,
    typer.Option("--catalogue", help="Who made what: csv, tsv, jsonl or parquet; .gz and .zip are opened."),
]
FIELDS: Final = ("track_id", "artist")


def plain(name: str) -> str:
    """A name as it is compared: letters alone decide.

    >>> plain("  Sigur  RÓS ") == plain("Sigur Rós")
    True
    """
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


class Artists:
    """The artist of each track of a catalogue; nobody without one."""

    def __init__(self, by_track: Mapping[str, str]) -> None:
        self._by_track = by_track
        self._tracks: dict[str, list[str]] = {}
        for track, artist in by_track.items():
            self._tracks.setdefault(plain(artist), []).append(track)

    @classmethod
    def read(cls, file: Path | None) -> Artists:
        """From a file. Raises Trouble: as `fields_of`, or no column of artists (exit 3)."""
        if file is None:
            return cls({})
        columns, rows = fields_of(file, FIELDS, TRACK_COLUMNS, ())
        if "artist" not in columns:
            raise Trouble(Exit.INVALID, f"no column of {file} looks like an artist's name", f"head -2 {shlex.quote(str(file))}")
        told = ((row.get(columns["track_id"]), row.get(columns["artist"])) for row in rows)
        return cls({str(track): str(artist) for track, artist in told if track and artist and plain(str(artist))})

    def name(self, track: str) -> str | None:
        """Who made `track`, as the catalogue writes it; None = unknown."""
        return self._by_track.get(track)

    def key(self, track: str) -> str | None:
        """The same, as names are compared."""
        name = self._by_track.get(track)
        return plain(name) if name is not None else None

    def tracks(self, artist: str) -> list[str]:
        """Everything that an artist made. Raises Trouble where the catalogue does not have them."""
        if not self._by_track:
            raise Trouble(
                Exit.USAGE,
                "an artist's tracks are known from a catalogue alone: name a file",
                "segue similar --artist NAME --catalogue FILE",
            )
        found = self._tracks.get(plain(artist))
        if found is None:
            close = difflib.get_close_matches(plain(artist), self._tracks, n=1)
            meant = self._by_track[self._tracks[close[0]][0]] if close else next(iter(self._by_track.values()))
            raise Trouble(
                Exit.FAILURE, f"the catalogue has no artist {artist!r}", f"segue similar --artist {shlex.quote(meant)} --catalogue FILE"
            )
        return found
