"""A file of plays becomes events: in order of time, numbered, in ms, and the same every time."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from console.columns import parse_maps
from console.play_log import PlayLog, sha256_of
from console.trouble import Exit, Trouble
from streams.contract import Play

ROWS = [
    {"user_id": 2, "song_id": 20, "ts": 1_421_163_948, "playtime": 250, "session_id": 7},
    {"user_id": 1, "song_id": 10, "ts": 1_421_163_674, "playtime": 274, "session_id": 8},
    {"user_id": 1, "song_id": 11, "ts": 1_421_163_948, "playtime": 20, "session_id": 8},
]


def _parquet(path: Path) -> Path:
    pq.write_table(pa.Table.from_pylist(ROWS), path)
    return path


def _csv(path: Path, delimiter: str = ",") -> Path:
    lines = [delimiter.join(ROWS[0])] + [delimiter.join(str(value) for value in row.values()) for row in ROWS]
    path.write_text("\n".join(lines) + "\n")
    return path


def _jsonl(path: Path) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


def _zipped(path: Path) -> Path:
    path.write_bytes(gzip.compress(_csv(path.with_suffix("")).read_bytes()))
    return path


def _events(path: Path, *maps: str) -> list[dict[str, Any]]:
    return [msgspec.json.decode(play.value) for play in PlayLog(path, parse_maps(maps)).plays()]


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("a.parquet", _parquet),
        ("a.csv", _csv),
        ("a.tsv", lambda path: _csv(path, "\t")),
        ("a.jsonl", _jsonl),
        ("a.csv.gz", _zipped),
    ],
)
def test_every_kind_of_file_gives_the_same_plays(tmp_path: Path, name: str, write: Any) -> None:
    events = _events(write(tmp_path / name))
    assert [(each["user_id"], each["track_id"], each["played_at"], each["ms_played"], each["session_id"]) for each in events] == [
        ("1", "10", 1_421_163_674_000, 274_000, "8"),
        ("2", "20", 1_421_163_948_000, 250_000, "7"),
        ("1", "11", 1_421_163_948_000, 20_000, "8"),
    ]


def test_equal_times_keep_the_order_of_the_file_and_rows_count_from_1(tmp_path: Path) -> None:
    path = _parquet(tmp_path / "a.parquet")
    digest = sha256_of(path)
    assert [each["import"] for each in _events(path)] == [{"source": digest, "row": row} for row in (1, 2, 3)]


def test_events_are_the_same_every_time_and_from_any_row_on(tmp_path: Path) -> None:
    log = PlayLog(_parquet(tmp_path / "a.parquet"), {})
    assert list(log.plays()) == list(PlayLog(log.path, {}).plays())
    assert list(log.plays(after_row=1)) == list(log.plays())[1:]


def test_every_event_keeps_the_contract(tmp_path: Path) -> None:
    for each in _events(_jsonl(tmp_path / "a.jsonl")):
        msgspec.convert(each, Play)


def test_times_may_be_text_and_a_text_without_a_zone_is_utc(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("user,track,time\na,x,2015-01-20T10:00:00Z\na,y,2015-01-20T11:00:00.5+01:00\na,z,2015-01-20 10:00:01\n")
    assert [each["played_at"] for each in _events(path)] == [1_421_748_000_000, 1_421_748_000_500, 1_421_748_001_000]


@pytest.mark.parametrize(
    "kind",
    [pa.timestamp("s"), pa.timestamp("us"), pa.timestamp("ns", tz="UTC")],
)
def test_times_may_be_arrow_timestamps(tmp_path: Path, kind: Any) -> None:
    times = pa.array([1_421_748_000], pa.int64()).cast(pa.timestamp("s")).cast(kind)
    pq.write_table(pa.table({"user": ["a"], "track": ["x"], "at": times}), tmp_path / "a.parquet")
    assert _events(tmp_path / "a.parquet", "played_at=at")[0]["played_at"] == 1_421_748_000_000


def test_whole_numbers_that_were_kept_as_floats_are_ids_without_a_fraction(tmp_path: Path) -> None:
    pq.write_table(pa.table({"user": [4.0], "track": [16.0], "ts": [1_421_748_000.0]}), tmp_path / "a.parquet")
    (event,) = _events(tmp_path / "a.parquet")
    assert (event["user_id"], event["track_id"]) == ("4", "16")


def test_rows_without_user_track_or_time_are_left_out_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    rows = [
        {"user": "a", "track": "x", "ts": 1_421_748_000},
        {"user": None, "track": "x", "ts": 1_421_748_000},
        {"user": "a", "track": "", "ts": 1_421_748_000},
        {"user": "a", "track": "x", "ts": None},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    log = PlayLog(path, {})
    assert (log.n_rows, log.n_unusable) == (1, 3)


def test_empty_and_impossible_values_are_left_out_of_an_event(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("user,track,ts,ms_played,session_id,artist\na,x,1421748000,-5,,\n")
    (event,) = _events(path)
    assert set(event) == {"event_id", "user_id", "track_id", "played_at", "import"}


@pytest.mark.parametrize(("row", "day", "first"), [(1, "2015-01-13", 1), (2, "2015-01-14", 3), (3, "2015-01-14", 3)])
def test_a_report_begins_at_the_first_whole_day_behind_a_row(tmp_path: Path, row: int, day: str, first: int) -> None:
    path = tmp_path / "a.csv"
    path.write_text("user,track,time\na,x,2015-01-13T00:00:00Z\na,y,2015-01-13T00:00:01Z\na,z,2015-01-14T09:00:00Z\n")
    assert PlayLog(path, {}).day_from(row) == (day, first)


@pytest.mark.parametrize("row", [0, 4, 3])
def test_a_report_from_nowhere_is_a_usage_error(tmp_path: Path, row: int) -> None:
    log = PlayLog(_parquet(tmp_path / "a.parquet"), {})
    with pytest.raises(Trouble) as caught:
        log.day_from(row)
    assert caught.value.code == Exit.USAGE


@pytest.mark.parametrize(("name", "content"), [("a.parquet", b"nonsense"), ("a.jsonl", b"{"), ("a.txt", b"x"), ("a", b"x")])
def test_what_cannot_be_read_is_invalid_input(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Trouble) as caught:
        PlayLog(tmp_path / name, {})
    assert caught.value.code == Exit.INVALID
