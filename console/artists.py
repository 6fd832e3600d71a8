"""Who made a track, from a catalogue: topics of plays and their state know tracks by id alone."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Final, Protocol

import typer

from console.catalogue_file import TRACK_COLUMNS, fields_of
from console.catalogue_rows import IMPORT, CatalogueRows
from console.redis_door import State
from console.trouble import Exit, Trouble
from streams.artists import plain

CatalogueFile = Annotated[
    Path | None,
    typer.Option("--catalogue", help="Who made what, from a file instead of the imported catalogue: csv, tsv, jsonl or parquet."),
]
FIELDS: Final = ("track_id", "artist")


class Makers(Protocol):
    """Who made what."""

    def know(self, tracks: Iterable[str]) -> None:
        """These will be asked for: one reading for all."""
        ...

    def name(self, track: str) -> str | None:
        """Who made `track`, as the catalogue writes it; None = unknown."""
        ...

    def key(self, track: str) -> str | None:
        """The same, as names are compared."""
        ...

    def tracks(self, artist: str) -> list[str]:
        """Everything that an artist made. Raises Trouble where the catalogue does not have them."""
        ...


def makers(state: State, file: Path | None) -> Makers:
    """From the file, where one is named; else from the rows of the imported catalogue; else nobody. Raises Trouble: as `Artists.read`."""
    rows = CatalogueRows(state)
    return ArtistsInRedis(rows) if file is None and rows.exist() else Artists.read(file)


class ReadBefore:
    """Makers as a radio asks for them (`streams.radio.Artists`)."""

    def __init__(self, artists: Makers) -> None:
        self._artists = artists

    async def know(self, tracks: Iterable[str]) -> None:
        """Reads at once: nothing else waits in a command."""
        self._artists.know(tracks)

    def key(self, track: str) -> str | None:
        """See `Makers`."""
        return self._artists.key(track)


class Artists:
    """The artist of each track of a file; nobody without one."""

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

    def know(self, tracks: Iterable[str]) -> None:
        """See `Makers`."""

    def name(self, track: str) -> str | None:
        """See `Makers`."""
        return self._by_track.get(track)

    def key(self, track: str) -> str | None:
        """See `Makers`."""
        name = self._by_track.get(track)
        return plain(name) if name is not None else None

    def tracks(self, artist: str) -> list[str]:
        """See `Makers`."""
        if not self._by_track:
            raise Trouble(
                Exit.FAILURE, "an artist's tracks are known from a catalogue alone: import one, or name a file with --catalogue", IMPORT
            )
        found = self._tracks.get(plain(artist))
        if found is None:
            raise _nobody(artist, {key: self._by_track[tracks[0]] for key, tracks in self._tracks.items()}, " --catalogue FILE")
        return found


class ArtistsInRedis:
    """The artists of the imported catalogue, read as they are asked for; every method raises `Trouble` where Redis is away."""

    def __init__(self, rows: CatalogueRows) -> None:
        self._rows = rows
        self._known: dict[str, str | None] = {}

    def know(self, tracks: Iterable[str]) -> None:
        """See `Makers`."""
        new = [track for track in dict.fromkeys(tracks) if track not in self._known]
        rows = self._rows.read(new)
        self._known.update({track: rows[track].artist if track in rows else None for track in new})

    def name(self, track: str) -> str | None:
        """See `Makers`."""
        self.know([track])
        return self._known[track]

    def key(self, track: str) -> str | None:
        """See `Makers`."""
        name = self.name(track)
        return plain(name) if name is not None else None

    def tracks(self, artist: str) -> list[str]:
        """See `Makers`. Reads the whole catalogue."""
        found, names = dict[str, None](), dict[str, str]()
        for rows in self._rows.every():
            made = {track: row.artist for track, row in rows.items() if row.artist}
            names.update((plain(name), name) for name in made.values())
            found.update((track, None) for track, name in made.items() if plain(name) == plain(artist))
        if not found:
            raise _nobody(artist, names, "")
        return list(found)


def _nobody(artist: str, names: Mapping[str, str], options: str) -> Trouble:
    """`names`: those that there are, by how they are compared."""
    close = difflib.get_close_matches(plain(artist), names, n=1)
    meant = names[close[0]] if close else next(iter(names.values()), "NAME")
    return Trouble(Exit.FAILURE, f"the catalogue has no artist {artist!r}", f"segue similar --artist {shlex.quote(meant)}{options}")
