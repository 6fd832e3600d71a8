"""The command `segue evaluate catalogue`: what it prints, and what it says when it cannot."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from console.cli import app
from tests.tracks_of_known_genre import tracks

COLUMNS = (
    "track_id", "title", "artist", "album", "playlist_genre", "released", "energy", "valence", "danceability", "loudness", "tempo", "key",
    "mode", "duration_ms",
)  # fmt: skip


def _file(path: Path, n: int) -> Path:
    with path.open("w", newline="") as out:
        writer = csv.DictWriter(out, COLUMNS)
        writer.writeheader()
        for values, genre in tracks(n, seed=9):
            writer.writerow({**values, "playlist_genre": genre})
        values, _ = tracks(1, seed=9)[0]
        writer.writerow({**values, "playlist_genre": "another row of a track"})
    return path


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _file(tmp_path_factory.mktemp("catalogue") / "tracks.csv", 120)


def _run(*args: str) -> tuple[int, str, str]:
    found = CliRunner().invoke(app, ["evaluate", "catalogue", *args])
    return found.exit_code, found.stdout, found.stderr


def test_one_object_with_what_others_build_on(file: Path) -> None:
    code, out, err = _run(str(file), "--rivals", "majority,softmax", "--seeds", "1,2", "--json")
    report = json.loads(out)
    assert code == 0 and {"accuracy_audio", "accuracy_all", "ms_per_lesson", "rivals"} <= report.keys()
    assert list(report["rivals"]) == ["majority", "softmax"]
    assert (report["tracks"], report["tested"], report["seeds"]) == (120, 60, [1, 2])
    assert "another row of a track" not in report["genres"] and len(report["genres"]) == 4, "the first row of an id counts"
    assert "genre from playlist_genre" in err


def test_tables_for_people(file: Path) -> None:
    code, out, _ = _run(str(file), "--rivals", "majority", "--seeds", "3", "--sample", "110", "--ablation")
    assert code == 0
    assert "110 tracks of 4 genres" in out and "ms of CPU per lesson" in out
    for words in ("ensemble", "majority", "nobody cheaper", "without it", "all names", "say the same"):
        assert words in out


def test_without_rivals(file: Path) -> None:
    assert json.loads(_run(str(file), "--rivals", "none", "--seeds", "1", "--json")[1])["rivals"] == {}


@pytest.mark.parametrize(
    ("args", "said", "next_command"),
    [
        (("--rivals", "xgboost"), "no rival 'xgboost'", "--rivals all"),
        (("--seeds", "1,two"), "whole numbers", "--seeds 1"),
        (("--seeds", "-1"), "whole numbers", "--seeds 1"),
        (("--sample", "20"), "20 tracks of 4 genres", "segue quality catalogue"),
        (("--map", "genre=style"), "--map genre=style", "segue quality catalogue --help"),
        (("--map", "genre=title"), "genres; 100 tracks of 2 to 12 genres are wanted", "segue quality catalogue"),
    ],
)
def test_what_cannot_be_measured_is_said_with_the_next_command(file: Path, args: tuple[str, ...], said: str, next_command: str) -> None:
    code, _, err = _run(str(file), *args)
    assert code != 0 and said in err and next_command in err


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    code, _, err = _run(str(tmp_path / "none.csv"))
    assert code == 2 and "no file" in err
