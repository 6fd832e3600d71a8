"""A catalogue or a table of users from a file (csv, tsv, jsonl, parquet; zip and gz are opened), row by row, nothing interpreted.

What a value means is for the cleaning to say, so a csv's texts stay texts: a reader that guesses types turns `007` into 7.
"""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO, Any, Final, cast

import msgspec
import pyarrow as pa
import pyarrow.parquet

from console.columns import by_name, told_pairs
from console.trouble import Exit, Trouble

Row = dict[str, Any]

FIELD_BYTES_MAX: Final = 1 << 20
UNREADABLE: Final = (csv.Error, msgspec.DecodeError, UnicodeError, pa.ArrowException, zipfile.BadZipFile, zlib.error, EOFError, OSError)
"""What a damaged file raises, whatever its kind; a bad gzip header is an OSError."""
HELP: Final = "segue quality catalogue --help"

TRACK_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "track_id": ("track_id", "trackid", "song_id", "songid", "id", "recording_id", "uri"),
    "title": ("track_name", "title", "track_title", "song_name", "name", "song", "track"),
    "artist": ("track_artist", "artist", "artist_name", "artists", "artist_names", "performer"),
    "album": ("track_album_name", "album", "album_name", "release"),
    "genre": ("playlist_genre", "genre", "track_genre", "main_genre"),
    "subgenre": ("playlist_subgenre", "subgenre", "sub_genre", "micro_genre"),
    "tags": ("tags", "tag", "labels"),
    "country": ("country", "artist_country"),
    "language": ("language", "lang"),
    "lyrics": ("lyrics", "text"),
    "released": ("track_album_release_date", "release_date", "released", "album_release_date", "year"),
    "duration_ms": ("duration_ms", "track_duration_ms", "length_ms", "duration", "length"),
    "popularity": ("track_popularity", "popularity"),
}
"""Field -> column names beside its own, likeliest first."""
USER_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "user_id": ("user_id", "userid", "user", "id"),
    "birth_year": ("birth_year", "year_of_birth"),
    "gender": ("gender", "sex"),
}


def told_columns(pairs: Sequence[str]) -> dict[str, str]:
    """`field=column`, as told on the command line. Raises Trouble (exit 2)."""
    return told_pairs(pairs, "a field of tracks or users", HELP)


def mapped(
    columns: Sequence[str],
    fields: Sequence[str],
    names: Mapping[str, tuple[str, ...]],
    told: Mapping[str, str],
    advice: str = f"{HELP} (see --map)",
) -> dict[str, str]:
    """Field -> the column that it is read from; the first field is required.

    >>> mapped(["Track ID", "tempo"], ["track_id", "tempo", "key"], TRACK_COLUMNS, {})
    {'track_id': 'Track ID', 'tempo': 'tempo'}

    Raises
    ------
    Trouble : a told field or column is unknown, or nothing looks like the first field (exit 3)
    """
    for field, column in told.items():
        if field not in fields or column not in columns:
            raise Trouble(Exit.INVALID, f"--map {field}={column}: fields are {', '.join(fields)}; the file has {list(columns)}", advice)
    found = by_name(columns, {field: names.get(field, (field,)) for field in fields}, told)
    if fields[0] not in found:
        raise Trouble(Exit.INVALID, f"no column looks like {fields[0]}; the file has {list(columns)}", advice)
    return found


def fields_of(
    path: Path,
    fields: Sequence[str],
    names: Mapping[str, tuple[str, ...]],
    pairs: Sequence[str],
    advice: str = f"{HELP} (see --map)",
) -> tuple[dict[str, str], Iterator[Row]]:
    """The mapping field -> column of a file, with `pairs` of FIELD=COLUMN as told, and its rows as the file has them.

    `advice` is the next command where a column is not found.

    Raises
    ------
    Trouble : as `mapped` and `rows`; or the file has no rows (exit 3)
    """
    found = rows(path)
    first = next(found, None)
    if first is None:
        raise Trouble(Exit.INVALID, f"{path} has no rows", HELP)
    # A jsonl's later rows may have more columns than its first; those that are not mapped are not read.
    return mapped(list(first), fields, names, told_columns(pairs), advice), chain([first], found)


def rows(path: Path) -> Iterator[Row]:
    """Every row as the file has it, column -> value.

    Raises
    ------
    Trouble : no such file (exit 2), an unknown kind or unreadable content, with its row (exit 3)
    """
    if not path.is_file():
        raise Trouble(Exit.USAGE, f"no file {path}", HELP)
    n = 0
    with _opened(path) as (file, kind):
        try:
            for row in READERS[kind](file):
                n += 1
                yield _flat(row)
        except UNREADABLE as error:
            raise Trouble(Exit.INVALID, f"{path} cannot be read after row {n:,}: {error}", HELP) from error


def _flat(row: Row) -> Row:
    """Audio features may stand under one name, as the contract has them: then they are columns like the others."""
    features = row.get("features")
    return {**{name: value for name, value in row.items() if name != "features"}, **features} if isinstance(features, dict) else row


@contextmanager
def _opened(path: Path) -> Iterator[tuple[IO[bytes], str]]:
    """The data file, out of its archive, and its kind by its name."""
    suffix = path.suffix.lower()
    if suffix == ".zip":
        try:
            with zipfile.ZipFile(path) as archive:
                inside = [name for name in archive.namelist() if _kind(name) in READERS]
                if len(inside) != 1:
                    raise Trouble(
                        Exit.INVALID, f"{path} holds {len(inside)} files of rows, and one is wanted: {archive.namelist()[:5]}", HELP
                    )
                with archive.open(inside[0]) as file:
                    yield file, _kind(inside[0])
        except zipfile.BadZipFile as error:
            raise Trouble(Exit.INVALID, f"{path} is no zip archive: {error}", HELP) from error
        return
    kind = _kind(path.name.removesuffix(path.suffix) if suffix == ".gz" else path.name)
    if kind not in READERS:
        raise Trouble(Exit.INVALID, f"{path}: rows come as {', '.join(READERS)} (.gz, .zip), not {kind or 'a name without ending'}", HELP)
    with gzip.open(path) if suffix == ".gz" else path.open("rb") as file:
        yield cast(IO[bytes], file), kind


def _kind(name: str) -> str:
    return Path(name).suffix.lower()


def _separated(file: IO[bytes], delimiter: str) -> Iterator[Row]:
    """Bytes that are no UTF-8 become U+FFFD, which the cleaning takes away and counts."""
    csv.field_size_limit(FIELD_BYTES_MAX)
    reader = csv.DictReader(io.TextIOWrapper(file, "utf-8-sig", errors="replace", newline=""), delimiter=delimiter, strict=True)
    for row in reader:
        if None in row:
            raise csv.Error(f"line {reader.line_num} has more values than the header has names")
        yield row


def _csv(file: IO[bytes]) -> Iterator[Row]:
    return _separated(file, ",")


def _tsv(file: IO[bytes]) -> Iterator[Row]:
    return _separated(file, "\t")


def _jsonl(file: IO[bytes]) -> Iterator[Row]:
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    return (decode(line) for line in file if line.strip())


def _parquet(file: IO[bytes]) -> Iterator[Row]:
    for batch in pyarrow.parquet.ParquetFile(file).iter_batches():
        yield from batch.to_pylist()


READERS: Final = {".csv": _csv, ".tsv": _tsv, ".jsonl": _jsonl, ".ndjson": _jsonl, ".parquet": _parquet}
