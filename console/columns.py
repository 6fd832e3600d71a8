"""Which column of a foreign file is which field, and in which unit: guessed by name, or told by `--map`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from console.trouble import Exit, Trouble

GUESSES: dict[str, tuple[str, ...]] = {
    "user_id": ("user_id", "userid", "user", "user_name", "username", "listener_id", "listener", "account", "uid"),
    "track_id": ("track_id", "trackid", "song_id", "songid", "item_id", "itemid", "recording_id", "track_uri", "track", "song", "item"),
    "played_at": ("played_at", "started_at", "listened_at", "timestamp", "ts", "time", "datetime", "date"),
    "ms_played": ("ms_played", "msplayed", "played_ms", "playtime_ms", "playtime", "play_time", "listening_time", "seconds_played"),
    "duration_ms": ("duration_ms", "track_duration_ms", "length_ms", "duration", "track_duration", "length", "duration_s"),
    "session_id": ("session_id", "sessionid", "session"),
    "reason_end": ("reason_end", "end_reason"),
    "event_id": ("event_id", "eventid"),
    "track": ("track_name", "track_title", "song_name", "title", "track"),
    "artist": ("artist_name", "track_artist", "artist"),
    "album": ("album_name", "album"),
}
"""Field of a play -> column names, likeliest first; a column serves one field, fields choose in this order."""

REQUIRED = ("user_id", "track_id", "played_at")
TIMES = ("played_at",)
SPANS = ("ms_played", "duration_ms")
UNITS = ("s", "ms", "us", "ns", "rfc3339")


class Source(NamedTuple):
    """A column, and its unit when the name or the user says it (None = by magnitude)."""

    column: str
    unit: str | None = None

    def __str__(self) -> str:
        return self.column if self.unit is None else f"{self.column}:{self.unit}"


def plain(name: str) -> str:
    """A column's name as it is compared: lower case, words joined by `_`, a typed header's `:type` dropped.

    >>> plain("Played At"), plain("user_id:token"), plain("msPlayed")
    ('played_at', 'user_id', 'msplayed')
    """
    return re.sub(r"[^a-z0-9]+", "_", name.split(":")[0].lower()).strip("_")


def by_name(columns: Sequence[str], names: Mapping[str, tuple[str, ...]], told: Mapping[str, str]) -> dict[str, str]:
    """Field -> its column: the one that was told, or the first of `names` (field -> likeliest first) that no other field has.

    >>> by_name(["Track ID", "name", "year"], {"track_id": ("track_id", "id"), "title": ("title", "name")}, {"released": "year"})
    {'released': 'year', 'track_id': 'Track ID', 'title': 'name'}
    """
    free = {plain(name): name for name in reversed(columns) if name not in told.values()}
    found = dict(told)
    for field, likely in names.items():
        name = next((name for name in likely if name in free), None)
        if field not in found and name is not None:
            found[field] = free.pop(name)
    return found


def told_pairs(pairs: Sequence[str], fields: str, help_command: str) -> dict[str, str]:
    """`field=column`, as told on the command line; `fields` says which there are. Raises Trouble (exit 2): not of that form."""
    told: dict[str, str] = {}
    for pair in pairs:
        field, _, column = pair.partition("=")
        if not field or not column:
            raise Trouble(Exit.USAGE, f"--map takes FIELD=COLUMN with FIELD {fields}; got {pair!r}", help_command)
        told[field] = column
    return told


def guess(columns: Sequence[str], told: dict[str, Source]) -> dict[str, Source]:
    """The mapping field -> source for a file with `columns`; `told` wins over guesses.

    Raises
    ------
    Trouble : a told column is not there, or a required field finds none (exit 3)

    >>> {f: str(s) for f, s in guess(["session_id", "user_id", "song_id", "ts", "playtime"], {}).items()}
    {'user_id': 'user_id', 'track_id': 'song_id', 'played_at': 'ts', 'ms_played': 'playtime', 'session_id': 'session_id'}
    """
    for field, source in told.items():
        if source.column not in columns:
            raise Trouble(Exit.INVALID, f"no column {source.column!r} for {field}; the file has {list(columns)}", _advice(field, columns))
    chosen = by_name(columns, GUESSES, {field: source.column for field, source in told.items()})
    found = {
        field: told.get(field) or Source(chosen[field], unit_by_name(field, plain(chosen[field]))) for field in GUESSES if field in chosen
    }
    for field in REQUIRED:
        if field not in found:
            raise Trouble(Exit.INVALID, f"no column looks like {field}; the file has {list(columns)}", _advice(field, columns))
    return found


def unit_by_name(field: str, name: str) -> str | None:
    """The unit that a column's name promises, if it promises one.

    >>> unit_by_name("ms_played", "msplayed"), unit_by_name("duration_ms", "duration_s"), unit_by_name("played_at", "ts")
    ('ms', 's', None)
    """
    if field not in SPANS:
        return None
    if name.startswith("ms") or name.endswith("_ms"):
        return "ms"
    if name.endswith("_s") or name.startswith("seconds"):
        return "s"
    return None


def parse_maps(pairs: Sequence[str]) -> dict[str, Source]:
    """`field=column` or `field=column:unit`, as told on the command line.

    >>> parse_maps(["played_at=when:s"])
    {'played_at': Source(column='when', unit='s')}

    Raises
    ------
    Trouble : not of that form, or an unknown field (exit 2)
    """
    told: dict[str, Source] = {}
    fields = f"one of {', '.join(GUESSES)}"
    for field, column in told_pairs(pairs, fields, "segue replay --help").items():
        if field not in GUESSES:
            raise Trouble(Exit.USAGE, f"--map takes FIELD=COLUMN with FIELD {fields}; got {field!r}", "segue replay --help")
        name, colon, unit = column.rpartition(":")
        told[field] = Source(name, unit) if colon and unit in UNITS else Source(column)
    return told


def unit_by_size(field: str, median: float) -> str:
    """The unit of plain numbers by their size: seconds since 1970 stay below 10^11 until the year 5138, and so on.

    >>> unit_by_size("played_at", 1.42e9), unit_by_size("played_at", 1.42e12)
    ('s', 'ms')
    >>> unit_by_size("ms_played", 238), unit_by_size("ms_played", 2e5)
    ('s', 'ms')
    """
    if field in SPANS:
        return "s" if median < LONGEST_MEDIAN_S else "ms"
    for unit, limit in (("s", 1e11), ("ms", 1e14), ("us", 1e17)):
        if median < limit:
            return unit
    return "ns"


LONGEST_MEDIAN_S = 5_000
"""A median listening time of more than 5,000 is not seconds (83 minutes), and 5,000 ms would all be skips."""


def _advice(field: str, columns: Sequence[str]) -> str:
    example = columns[0] if columns else "COLUMN"
    return f"segue replay FILE --map {field}={example}"
