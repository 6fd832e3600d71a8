"""The command `segue evaluate counts`: what it prints, and what it says when it cannot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from console.cli import app


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four users hear six tracks in turn, one every three hours, for seventy days."""
    path = tmp_path_factory.mktemp("counts") / "plays.csv"
    rows = [f"u{n % 4},t{n // 4 % 6},{1_400_000_000 + 10_800 * n}" for n in range(560)]
    path.write_text("\n".join(["user_id,track_id,ts", *rows]) + "\n")
    return path


def run(*args: str) -> tuple[int, str, str]:
    found = CliRunner().invoke(app, ["evaluate", "counts", *args])
    return found.exit_code, found.stdout, found.stderr


def test_one_object_with_what_others_build_on(file: Path) -> None:
    code, out, _ = run(str(file), "--every", "2", "--river-every", "0", "--json")
    report = json.loads(out)
    assert code == 0 and {"file", "source", "us_per_lesson", "us_per_play", "asked"} <= report.keys()
    assert list(report["horizons"]) == ["7 days", "30 days"] and report["river"] == {}
    assert {"tested", "deviance", "best_rival", "below_best", "rivals"} <= report["horizons"]["7 days"].keys()


def test_tables_for_people(file: Path) -> None:
    code, out, _ = run(str(file), "--every", "2", "--river-every", "3")
    assert code == 0
    for words in ("plays within 7 days", "plays within 30 days", "the pair's rate", "Hoeffding tree", "us of CPU per lesson"):
        assert words in out


def test_a_log_that_ends_too_soon_is_an_error_that_says_so(file: Path) -> None:
    code, _, err = run(str(file), "--stop-after", "100")
    assert code == 3 and "30 days old" in err and "--dry-run" in err
