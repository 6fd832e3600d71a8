"""Catalogues come as csv, jsonl or parquet, packed or not; what cannot be read is said with its row."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet
import pytest
from typer.testing import CliRunner

from console.catalogue_file import TRACK_COLUMNS, mapped, rows
from console.cli import app
from console.trouble import Exit, Trouble

ROWS = [{"track_id": "007", "tempo": "120 bpm"}, {"track_id": "t2", "tempo": ""}]
CSV = 'track_id,tempo\n007,120 bpm\nt2,""\n'


def zipped(path: Path, **files: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("_", "."), text)
    return path


@pytest.mark.parametrize("ending", ["csv", "tsv", "csv.gz", "zip", "jsonl", "parquet"])
def test_every_kind_gives_the_same_rows(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"tracks.{ending}"
    if ending == "zip":
        zipped(path, tracks_csv=CSV, README_md="not rows")
    elif ending == "csv.gz":
        path.write_bytes(gzip.compress(CSV.encode()))
    elif ending == "jsonl":
        path.write_bytes(b"\n".join(map(msgspec.json.encode, ROWS)) + b"\n\n")
    elif ending == "parquet":
        pyarrow.parquet.write_table(pa.Table.from_pylist(ROWS), path)
    else:
        path.write_text(CSV if ending == "csv" else CSV.replace(",", "\t"))
    assert list(rows(path)) == ROWS


def test_a_byte_order_mark_and_bad_bytes_do_not_stop_it(tmp_path: Path) -> None:
    path = tmp_path / "tracks.csv"
    path.write_bytes(b"\xef\xbb\xbftrack_id,title\nt1,caf\xe9\n")
    assert list(rows(path)) == [{"track_id": "t1", "title": "caf\ufffd"}]


@pytest.mark.parametrize(
    ("name", "content", "exit_code", "says"),
    [
        ("tracks.xls", b"", Exit.INVALID, "not .xls"),
        ("tracks.csv", b"track_id,title\nt1,a\nt2,a,b\n", Exit.INVALID, "after row 1: line 3 has more values"),
        ("tracks.jsonl", b'{"track_id": "t1"}\n[]\n', Exit.INVALID, "after row 1"),
        ("tracks.jsonl", b'{"track_id": "t1"}\n{"track_id": "\xff"}\n', Exit.INVALID, "after row 1"),
        ("tracks.csv.gz", gzip.compress(CSV.encode() * 50)[:20] + b"damaged" * 9, Exit.INVALID, "cannot be read after row"),
        ("tracks.parquet", b"no parquet", Exit.INVALID, "after row 0"),
        ("tracks.csv.gz", b"no gzip", Exit.INVALID, "after row 0"),
        ("tracks.zip", b"no zip", Exit.INVALID, "no zip archive"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, name: str, content: bytes, exit_code: Exit, says: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(Trouble, match=says) as caught:
        list(rows(path))
    assert caught.value.code is exit_code


def test_an_archive_holds_one_file_of_rows(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="holds 2 files of rows"):
        list(rows(zipped(tmp_path / "two.zip", a_csv=CSV, b_csv=CSV)))


def test_columns_are_guessed_and_told_ones_win() -> None:
    columns = ["id", "Track Name", "year", "released_on"]
    fields = ["track_id", "title", "released", "key"]
    assert mapped(columns, fields, TRACK_COLUMNS, {}) == {"track_id": "id", "title": "Track Name", "released": "year"}
    assert mapped(columns, fields, TRACK_COLUMNS, {"released": "released_on"})["released"] == "released_on"
    with pytest.raises(Trouble, match="no column looks like track_id"):
        mapped(["tempo"], fields, TRACK_COLUMNS, {})
    with pytest.raises(Trouble, match="fields are track_id"):
        mapped(columns, fields, TRACK_COLUMNS, {"mood": "id"})


def test_the_command_tells_what_was_corrected_and_refused(tmp_path: Path) -> None:
    path = tmp_path / "tracks.csv"
    path.write_text("track_id,tempo,energy,label\nt1,120 bpm,0.5,x\nt2,0,0.5,x\n,90,0.5,x\n")
    told = msgspec.json.decode(CliRunner().invoke(app, ["quality", "catalogue", str(path), "--json"]).stdout)
    assert (told["rows"], told["bad_rows"], told["unread"]) == (2, 1, ["label"])
    assert told["corrected"] == [{"field": "tempo", "rule": "unit", "values": 1, "examples": [["120 bpm", "120.0"]]}]
    assert told["refused"] == [{"field": "tempo", "reason": "out_of_range", "values": 1, "examples": [["0", ""]]}]
    assert told["missing"] == {}


def test_the_command_names_columns_that_say_nothing(tmp_path: Path) -> None:
    path = tmp_path / "tracks.csv"
    path.write_text("track_id,tempo,bpm,source,note\n" + "".join(f"t{n},{90 + n},{90 + n},x,\n" for n in range(30)))
    told = msgspec.json.decode(CliRunner().invoke(app, ["quality", "catalogue", str(path), "--json"]).stdout)
    assert told["unneeded"] == {"empty": ["note"], "constant": ["source"], "copies": {"bpm": "tempo"}}
    shown = CliRunner().invoke(app, ["quality", "catalogue", str(path)]).stdout
    assert "columns that say nothing, copies: bpm (of tempo)" in shown


def test_the_command_counts_rows_that_come_again_and_other_ids_of_a_recording(tmp_path: Path) -> None:
    path = tmp_path / "tracks.csv"
    rows = ["t1,Innuendo,Queen,200000,pop", "t2,Innuendo - Remastered 2011,QUEEN,201000,rock", "t2,Innuendo,Queen,201000,pop"]
    path.write_text("\n".join(["track_id,title,artist,duration_ms,genre", *rows]))
    told = msgspec.json.decode(CliRunner().invoke(app, ["quality", "catalogue", str(path), "--json"]).stdout)
    assert told["repeated_rows"] == {"rows": 1, "changed": {"title": 1, "artist": 1, "genre": 1}}
    assert told["other_ids_of_a_recording"] == 1


def test_the_command_reads_users(tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_text("user,country,age,sex\nana,Deutschland,thirty-one,F\n")
    told = msgspec.json.decode(CliRunner().invoke(app, ["quality", "catalogue", str(path), "--users", "--json"]).stdout)
    assert [(it["field"], it["examples"]) for it in told["corrected"]] == [
        ("age", [["thirty-one", "31"]]),
        ("country", [["Deutschland", "DE"]]),
        ("gender", [["F", "female"]]),
    ]
    assert "titles" not in told


@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [
        (["nowhere.csv"], Exit.USAGE),
        (["{file}", "--map", "x"], Exit.USAGE),
        (["{file}", "--map", "mood=tempo"], Exit.INVALID),
        (["{file}", "--map", "key=pitch"], Exit.INVALID),
        (["{empty}"], Exit.INVALID),
    ],
)
def test_the_command_says_what_is_wrong(tmp_path: Path, arguments: list[str], exit_code: Exit) -> None:
    file, empty = tmp_path / "tracks.csv", tmp_path / "empty.csv"
    file.write_text(CSV)
    empty.write_text("track_id\n")
    result = CliRunner().invoke(app, ["quality", "catalogue", *(it.format(file=file, empty=empty) for it in arguments)])
    assert result.exit_code == exit_code
    assert "next" in result.stderr or "segue" in result.stderr
