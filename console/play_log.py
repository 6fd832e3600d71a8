"""A file of plays (parquet, csv, tsv, jsonl, RecBole's .inter) read as events: mapped, brought to ms, and in order of time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet

from console.columns import SPANS, Source, guess, plain, unit_by_size
from console.trouble import Exit, Trouble

HASH_BLOCK = 1 << 20
ROWS_AT_ONCE = 4_096
MS_PER = {"s": 1_000.0, "ms": 1.0, "us": 1e-3, "ns": 1e-6}
DAY_MS = 86_400_000
TEXT_FIELDS = ("user_id", "track_id", "session_id", "reason_end", "event_id", "track", "artist", "album")


class Play(NamedTuple):
    """One event, ready to be produced."""

    row: int
    """1-based, in the order of the replay."""
    user_id: bytes
    value: bytes


class PlayLog:
    """The plays of one file, sorted by time (equal times keep the file's order).

    Rows without a user, a track or a time cannot become events: they are left out and counted.

    Parameters
    ----------
    only : column and value: rows of another value are none of this log's
    """

    def __init__(self, path: Path, told: dict[str, Source], only: tuple[str, str] | None = None) -> None:
        table = read_table(path)
        if only is not None:
            table = table.filter(_equal(table, *only, path))
        self.path = path
        self.source = sha256_of(path)
        self.mapping = guess(table.column_names, told)
        times = _to_ms(table[self.mapping["played_at"].column], "played_at", self.mapping["played_at"].unit)
        usable = ~np.isnan(times)
        for field in ("user_id", "track_id"):
            usable &= _present(table[self.mapping[field].column])
        kept = np.flatnonzero(usable)
        order = kept[np.argsort(times[kept], kind="stable")]
        self.n_unusable = int(len(times) - len(kept))
        self.played_at: npt.NDArray[np.int64] = times[order].astype(np.int64)
        """(n_rows,) epoch ms, ascending."""
        self._columns = self._prepare(table, order)

    @property
    def n_rows(self) -> int:
        return len(self.played_at)

    def plays(self, after_row: int = 0) -> Iterator[Play]:
        """Events of rows `after_row` + 1 and on."""
        for start in range(after_row, self.n_rows, ROWS_AT_ONCE):
            stop = min(start + ROWS_AT_ONCE, self.n_rows)
            block = {field: column.slice(start, stop - start).to_pylist() for field, column in self._columns.items()}
            for i in range(stop - start):
                yield self._play(start + i + 1, {field: values[i] for field, values in block.items()})

    def codes(self, field: str) -> npt.NDArray[np.int64] | None:
        """(n_rows,) a number per distinct text of a field, -1 where there is none; None = the file has no such column."""
        column = self._columns.get(field)
        if column is None:
            return None
        named = pc.if_else(pc.equal(column, ""), None, column).dictionary_encode()
        codes: npt.NDArray[np.int64] = pc.fill_null(named.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
        return codes

    def seconds(self) -> npt.NDArray[np.float64] | None:
        """(n_rows,) heard of each play, NaN where it is not told; None = the file has no such column."""
        column = self._columns.get("ms_played")
        return None if column is None else np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64) / 1_000.0

    def shift(self, by_ms: int) -> None:
        """Move every play in time."""
        self.played_at = self.played_at + by_ms
        self._columns["played_at"] = pa.array(self.played_at)

    def day_from(self, row: int) -> tuple[str, int]:
        """The first day that begins with `row` or a later one, as (YYYY-MM-DD, its first row); a day is UTC.

        Raises
        ------
        Trouble : no such row, or no day begins after it (exit 2)
        """
        if not 1 <= row <= self.n_rows:
            raise Trouble(
                Exit.USAGE, f"--report-from {row}: the file has rows 1 to {self.n_rows}", f"segue replay {self.path} --report-from 1"
            )
        day = int(self.played_at[row - 1]) // DAY_MS
        if row > 1 and int(self.played_at[row - 2]) // DAY_MS == day:
            day += 1
        first = int(np.searchsorted(self.played_at, day * DAY_MS)) + 1
        if first > self.n_rows:
            raise Trouble(Exit.USAGE, f"--report-from {row}: no whole day begins after that row", f"segue replay {self.path} --wait")
        return str(np.datetime64(day, "D")), first

    def _prepare(self, table: Any, order: npt.NDArray[np.intp]) -> dict[str, Any]:
        """Columns in replay order: text as strings, spans as ms."""
        columns: dict[str, Any] = {"played_at": pa.array(self.played_at)}
        for field, source in self.mapping.items():
            column = table[source.column]
            if field in TEXT_FIELDS:
                columns[field] = _to_text(column).take(order)
            elif field in SPANS:
                columns[field] = pa.array(_to_ms(column, field, source.unit)[order])
        return columns

    def _play(self, row: int, fields: dict[str, Any]) -> Play:
        """Empty fields and impossible spans are left out: the contract has no null."""
        body: dict[str, Any] = {"event_id": f"{self.source[:16]}-{row}"}
        for field, value in fields.items():
            if field in SPANS:
                if value is not None and value >= 0:
                    body[field] = int(value)
            elif value is not None and value != "":
                body[field] = value
        body["import"] = {"source": self.source, "row": row}
        return Play(row, body["user_id"].encode(), msgspec.json.encode(body))


def sha256_of(path: Path) -> str:
    """Hex digest of the file's bytes: the identity of an import."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(HASH_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def read_table(path: Path) -> Any:
    """The file as an Arrow table; its kind is told by its name, `.gz`, `.bz2` and `.zst` are opened.

    Raises
    ------
    Trouble : no such file (exit 2), an unknown kind or unreadable content (exit 3)
    """
    if not path.is_file():
        raise Trouble(Exit.USAGE, f"no file {path}", "segue replay --help")
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in (".gz", ".bz2", ".zst")]
    kind = suffixes[-1] if suffixes else ""
    try:
        if kind == ".parquet":
            return pyarrow.parquet.read_table(path)
        with pa.input_stream(str(path), compression="detect") as stream:
            if kind in (".csv", ".tsv", ".inter"):
                return pyarrow.csv.read_csv(stream, parse_options=pyarrow.csv.ParseOptions(delimiter="," if kind == ".csv" else "\t"))
            if kind in (".jsonl", ".ndjson"):
                return pyarrow.json.read_json(stream)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise Trouble(Exit.INVALID, f"{path} cannot be read as {kind[1:]}: {error}", "segue replay --help") from error
    raise Trouble(
        Exit.INVALID,
        f"{path}: a play log is .parquet, .csv, .tsv, .inter or .jsonl, not {kind or 'a name without ending'}",
        "segue replay --help",
    )


def _equal(table: Any, column: str, value: str, path: Path) -> Any:
    """Rows whose column says `value`; a whole number is written without its `.0`."""
    name = next((name for name in table.column_names if plain(name) == plain(column)), None)
    if name is None:
        raise Trouble(Exit.INVALID, f"no column {column!r}; the file has {table.column_names}", f"segue replay {path} --dry-run")
    return pc.fill_null(pc.equal(_to_text(table[name]), value), False)


def _present(column: Any) -> npt.NDArray[np.bool_]:
    """(n,) True where there is a value that is not empty text."""
    text = _to_text(column)
    present: npt.NDArray[np.bool_] = pc.fill_null(pc.not_equal(text, ""), False).to_numpy(zero_copy_only=False)
    return present


def _to_text(column: Any) -> Any:
    """Strings; whole numbers that a file keeps as floats lose their `.0`."""
    column = _whole(column)
    if pa.types.is_floating(column.type):
        rounded = pc.round(column)
        if pc.all(pc.equal(rounded, column)).as_py() is not False:
            column = rounded.cast(pa.int64())
    return column.cast(pa.string())


def _whole(column: Any) -> Any:
    """One array instead of chunks, with dictionaries decoded."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def _to_ms(column: Any, field: str, unit: str | None) -> npt.NDArray[np.float64]:
    """(n,) milliseconds, NaN where there is none. Exact to the ms until the year 285,000."""
    array = _whole(column)
    if pa.types.is_timestamp(array.type) or pa.types.is_date(array.type):
        return _instants(array.cast(pa.timestamp("ms"), safe=False))
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        try:
            array = array.cast(pa.float64())
        except pa.ArrowInvalid:
            return _rfc3339(array.to_pylist(), field)
    numbers: npt.NDArray[np.float64] = np.asarray(array.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
    numbers = np.where(np.isfinite(numbers), numbers, np.nan)
    known = numbers[~np.isnan(numbers)]
    if unit in (None, "rfc3339"):
        unit = unit_by_size(field, float(np.median(known)) if len(known) else 0.0)
    return np.rint(numbers * MS_PER[unit or "ms"]) if unit != "ms" else np.rint(numbers)


def _instants(array: Any) -> npt.NDArray[np.float64]:
    """(n,) epoch ms of Arrow timestamps."""
    numbers = array.cast(pa.int64()).cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return np.asarray(numbers, dtype=np.float64)


def _rfc3339(texts: Sequence[str | None], field: str) -> npt.NDArray[np.float64]:
    """(n,) epoch ms of RFC 3339 texts; a text without a zone is UTC, unreadable ones become NaN."""
    times = np.full(len(texts), np.nan)
    for i, text in enumerate(texts):
        if text:
            times[i] = _instant(text)
    if len(texts) and np.isnan(times).all():
        raise Trouble(
            Exit.INVALID,
            f"{field}: neither numbers nor RFC 3339 times, for example {texts[0]!r}",
            f"segue replay FILE --map {field}=COLUMN",
        )
    return times


def _instant(text: str) -> float:
    """
    >>> _instant("2015-01-20T10:00:00Z"), _instant("2015-01-20 11:00:00+01:00"), _instant("2015-01-20 10:00")
    (1421748000000.0, 1421748000000.0, 1421748000000.0)
    """
    try:
        moment = datetime.fromisoformat(text.strip().removesuffix(" UTC"))
    except ValueError:
        return float("nan")
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1_000
