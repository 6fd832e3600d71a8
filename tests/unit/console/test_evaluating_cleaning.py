"""The command `segue evaluate cleaning`: one object with --json, tables and goals without, and what it says when it cannot."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from console.cli import app
from evaluation import cleaning
from tests.small_catalogue import catalogue


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(cleaning, "USERS_N", 100)
    rows = catalogue(200)
    path = tmp_path / "tracks.csv"
    with path.open("w", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def run(*args: str) -> tuple[int, str, str]:
    found = CliRunner().invoke(app, ["evaluate", "cleaning", *args], env={"COLUMNS": "250"})
    return found.exit_code, found.stdout, found.stderr


def test_one_object_with_a_run_per_seed(file: Path) -> None:
    code, out, _ = run(str(file), "--seed", "7", "--seed", "8", "--rate", "0.2", "--json")
    report = json.loads(out)
    assert code == 0 and report["file"] == "tracks.csv" and report["mapping"]["title"] == "title"
    assert [it["seed"] for it in report["runs"]] == [7, 8] == report["seeds"]
    assert all(0.1 < it["tracks"]["hit"] / it["tracks"]["rows"] < 0.35 for it in report["runs"])


def test_tables_say_which_goals_are_met(file: Path) -> None:
    code, out, _ = run(str(file), "--seed", "7", "--rate", "0.9")
    assert code == 0
    assert "met: no number that is not finite" in out and "decimal comma" in out and "naive Bayes" in out


def test_a_file_without_ids_is_said(tmp_path: Path) -> None:
    path = tmp_path / "tracks.csv"
    path.write_text("track_id,title\n,x\n")
    code, _, err = run(str(path), "--seed", "1")
    assert code == 3 and "no row has an id" in err
