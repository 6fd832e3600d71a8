"""The command `segue evaluate plays`: what it prints, and what it says when it cannot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from console.cli import app
from console.play_log import PlayLog


def _log(path: Path) -> Path:
    """Ratings of 1997: three users go through twelve items, every second one of them a 5."""
    rows = [(user, item, 5 - item % 2, 876_000_000 + 300 * (user + 3 * item)) for item in range(12) for user in range(3)]
    lines = ["user_id:token\titem_id:token\trating:float\ttimestamp:float", *("\t".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return _log(tmp_path / "ratings.inter")


def _run(*args: str) -> tuple[int, str, str]:
    found = CliRunner().invoke(app, ["evaluate", "plays", *args])
    return found.exit_code, found.stdout, found.stderr


def test_one_object_with_what_others_build_on(file: Path) -> None:
    code, out, err = _run(str(file), "--rivals", "popularity,markov", "--json")
    report = json.loads(out)
    assert code == 0 and {"protocol", "preset", "hr20", "mrr20", "ndcg10", "us_per_play"} <= report.keys()
    assert list(report["rivals"]) == ["popularity", "markov"] and report["refused"] == 0
    assert (report["plays"], report["tested"], report["whole"]["tested"]) == (36, 8, 33)
    assert "moved by" in err, "workers take nothing of 1997"


def test_a_preset_is_what_is_measured(file: Path) -> None:
    reports = [json.loads(_run(str(file), "--rivals", "none", "--json", *more)[1]) for more in ((), ("--preset", "quality"))]
    assert [report["preset"] for report in reports] == ["fast", "quality"]


def test_the_learning_curve_is_drawn(file: Path, tmp_path: Path) -> None:
    code, _, err = _run(str(file), "--rivals", "markov", "--plot", str(tmp_path / "curve.png"), "--json")
    assert code == 0 and "the learning curve" in err and (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_flurs_takes_ratings_of_five(file: Path) -> None:
    report = json.loads(_run(str(file), "--protocol", "flurs", "--rivals", "none", "--json")[1])
    assert (report["plays"], report["tested"], report["protocol"]) == (18, 13, "flurs")
    assert report["recall10"] == report["hr10"]


def test_tables_for_people(file: Path) -> None:
    code, out, _ = _run(str(file), "--rivals", "markov")
    assert code == 0
    for words in ("plays within sessions", "Segue is ahead by", "HR@20 by track", "what the lists show", "us of CPU per play"):
        assert words in out


@pytest.mark.parametrize(
    ("args", "said", "next_command"),
    [
        (("--rivals", "sasrec"), "no rival 'sasrec'", "--rivals all"),
        (("--protocol", "leave-one-out"), "no protocol", "segue evaluate plays"),
        (("--preset", "best"), "no preset 'best'", "segue evaluate plays"),
        (("--plot", "curve.gif"), "a picture ends in one of", "--plot curve.png"),
        (("--eval-from", "37"), "rows 1 to 36", "--eval-from 1"),
        (("--only", "rating"), "COLUMN=VALUE", "--only rating=5"),
        (("--only", "stars=5"), "no column 'stars'", "--dry-run"),
    ],
)
def test_errors_name_the_next_command(file: Path, args: tuple[str, ...], said: str, next_command: str) -> None:
    code, _, err = _run(str(file), *args)
    assert code in (2, 3) and said in err and next_command in err


def test_only_compares_whole_numbers_as_they_are_written(file: Path) -> None:
    assert PlayLog(file, {}, only=("rating", "5")).n_rows == 18
    assert PlayLog(file, {}, only=("rating", "3")).n_rows == 0
