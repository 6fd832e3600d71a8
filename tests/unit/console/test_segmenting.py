"""The command `segue evaluate segments`: what it prints, and what it says when it cannot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from console.cli import app


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four users hear nine tracks in turn, a few minutes apart, in sittings of ten with half a day between; seconds are told."""
    path = tmp_path_factory.mktemp("segments") / "plays.csv"
    rows = [f"u{n % 4},t{n % 9},{1_400_000_000 + 240 * n + 43_000 * (n // 40)},{100 if n % 7 == 0 else 200}" for n in range(700)]
    path.write_text("\n".join(["user_id,track_id,ts,playtime", *rows]) + "\n")
    return path


def run(*args: str) -> tuple[int, str, str]:
    found = CliRunner().invoke(app, ["evaluate", "segments", *args])
    return found.exit_code, found.stdout, found.stderr


def test_one_object_with_what_others_build_on(file: Path) -> None:
    code, out, _ = run(str(file), "--every", "6", "--json")
    report = json.loads(out)
    assert code == 0 and {"file", "source", "us_per_play", "lessons", "examples"} <= report.keys()
    assert set(report["targets"]) == {"exploring", "returning", "finishing"}
    found = report["targets"]["finishing"]
    assert {
        "tested",
        "us_per_lesson",
        "log_loss",
        "accuracy",
        "best_rival",
        "ahead_of_best",
        "forest_gain",
        "models",
        "rivals",
    } <= found.keys()
    assert list(found["others"]) == ["the finish model"]


def test_tables_for_people(file: Path) -> None:
    code, out, _ = run(str(file), "--every", "9", "--river")
    assert code == 0
    for words in ("exploring: more new tracks", "the forest is ahead of the tree by", "adaptive", "us of CPU for an answer"):
        assert words in out


def test_a_log_that_ends_too_soon_is_an_error_that_says_so(file: Path) -> None:
    code, _, err = run(str(file), "--stop-after", "1")
    assert code == 3 and "before the log ends" in err and "--dry-run" in err
