"""A catalogue file becomes one record per id, in the contract's shape, with values as the file has them."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet
import pytest
from typer.testing import CliRunner

from console.catalogue_import import CatalogueImport
from console.cli import app
from infra.settings import Settings
from streams.catalogue_intake import TRACKS, USERS, screen
from streams.partitioner import partition_of
from tests.events_log import Appended

CSV = "Track ID,name,tempo,notes\n007,One,120 bpm,x\nt2,N/A,nan,\n007,,122,\n,nobody,1,\n"


def sent(path: Path, maps: list[str] | None = None, *, users: bool = False) -> dict[str, Any]:
    run = CatalogueImport(Settings(), path, maps or [], users=users)
    records = list(run.records())
    assert len(records) == len({some_id for some_id, _ in records}) == len(run.found.of_id)
    for some_id, value in records:
        key = some_id.encode()
        record = Appended(key, msgspec.json.encode(value), (), 1, 0, partition_of(key, 8), "segue.tracks")
        assert screen(record, USERS if users else TRACKS, record.partition, 8).row_id == some_id, "the worker takes what is sent"
    return dict(records)


def test_rows_of_one_id_are_put_together_and_those_without_one_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "tracks.csv"
    path.write_text(CSV)
    assert sent(path) == {
        "007": {"track_id": "007", "title": "One", "features": {"tempo": "122"}},
        "t2": {"track_id": "t2"},
    }
    found = CatalogueImport(Settings(), path, [], users=False).found
    assert (found.rows, found.without_id, found.mapping) == (4, 1, {"track_id": "Track ID", "title": "name", "tempo": "tempo"})


def test_a_told_column_wins(tmp_path: Path) -> None:
    path = tmp_path / "tracks.csv"
    path.write_text(CSV)
    assert sent(path, ["track_id=name", "title=Track ID"])["One"] == {"track_id": "One", "title": "007", "features": {"tempo": "120 bpm"}}


def test_records_of_the_contract_come_back_as_they_were(tmp_path: Path) -> None:
    track = {"track_id": "t1", "title": "One", "tags": ["rock", "live"], "features": {"tempo": 120.5, "energy": 0.5}}
    path = tmp_path / "tracks.jsonl"
    path.write_bytes(msgspec.json.encode(track) + b"\n")
    assert sent(path) == {"t1": track}


def test_tables_give_their_types(tmp_path: Path) -> None:
    path = tmp_path / "tracks.parquet"
    table = pa.table({"track_id": [7.0, None], "released": [date(2019, 6, 14), None], "tempo": [120.5, 1.0]})
    pyarrow.parquet.write_table(table, path)
    run = CatalogueImport(Settings(), path, [], users=False)
    assert [msgspec.json.encode(value) for _, value in run.records()] == [
        b'{"track_id":"7","released":"2019-06-14","features":{"tempo":120.5}}'
    ]


def test_users_have_no_features(tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_text("user,country,sex,age\nana,Deutschland,F,31\n")
    assert sent(path, users=True) == {"ana": {"user_id": "ana", "country": "Deutschland", "gender": "F", "age": "31"}}


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["tracks.csv"], 3, ["no column looks like track_id", "'number', 'length'", "--map track_id=COLUMN"]),
        (["tracks.csv", "--map", "track_id=none"], 3, ["--map track_id=none", "'number', 'length'"]),
        (["tracks.csv", "--map", "number"], 2, ["FIELD=COLUMN"]),
        (["nothing.csv"], 2, ["no file nothing.csv"]),
    ],
)
def test_a_refusal_names_the_columns_and_the_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, says: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("tracks.csv").write_text("number,length\n1,2\n")
    result = CliRunner().invoke(app, ["import", "catalogue", *arguments])
    assert result.exit_code == code
    for words in says:
        assert words in result.stderr


def test_a_dry_run_shows_the_mapping_and_needs_no_services(tmp_path: Path) -> None:
    path = tmp_path / "tracks.csv"
    path.write_text(CSV)
    result = CliRunner().invoke(app, ["import", "catalogue", str(path), "--dry-run", "--json"])
    assert result.exit_code == 0
    shown = msgspec.json.decode(result.stdout)
    assert (shown["tracks"], shown["without_id"], shown["mapping"]["title"]) == (2, 1, "name")
    assert "sent" not in shown
