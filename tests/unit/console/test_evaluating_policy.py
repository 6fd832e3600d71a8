"""`segue evaluate policy` over files: what it prints, and what it says when the log says nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner, Result

from console.cli import app
from console.trouble import Exit

USERS, LISTS = 30, 20
SHARE, CANDIDATES = 0.1, 40


def log(folder: Path, *, explores: bool = True, named: bool = True) -> list[str]:
    """Every fifth list is followed at its second place, every tenth at an explored one; the options that name the files."""
    lists: list[Any] = []
    events: list[Any] = []
    for n in range(USERS * LISTS):
        user, event, places = f"u{n % USERS}", f"e{n}", [0] if n % 10 == 0 else []
        entries = [{"track_id": f"t{n}-{k}", "propensity": SHARE / CANDIDATES if k in places else 1 - SHARE} for k in range(20)]
        made = {"recommendation_id": f"L{n}", "user_id": user, "cause": {"event_id": event}, "next": [], "discover": entries}
        lists.append(made | ({"explore": {"share": SHARE, "places": places, "candidates": CANDIDATES}} if explores else {}))
        events.append({"event_id": event, "user_id": user, "track_id": f"own{n}"})
        if n % 5 == 0:
            track = f"t{n}-{0 if places else 1}"
            events.append({"event_id": f"f{n}", "user_id": user, "track_id": track} | ({"recommendation_id": f"L{n}"} if named else {}))
    for name, values in (("lists", lists), ("events", events)):
        (folder / name).write_bytes(b"\n".join(map(msgspec.json.encode, values)) + b"\n")
    return ["--recommendations", str(folder / "lists"), "--events", str(folder / "events")]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["evaluate", "policy", *arguments])


@pytest.mark.parametrize("named", [True, False])
def test_every_target_is_estimated(tmp_path: Path, named: bool) -> None:
    done = run(*log(tmp_path, named=named), "--json")
    report = msgspec.json.decode(done.stdout)
    n = USERS * LISTS
    assert (report["lists"], report["n_hits"], report["hits"]) == (n, n / 5, "named" if named else "next")
    n = report["exploring"]  # what follows a list that was not answered yet is not known
    assert report["targets"]["shown"]["ips"][1] == pytest.approx(report["n_hits"] / n, abs=1e-5)
    assert report["targets"]["greedy"]["ips"][1] == pytest.approx(report["n_hits"] / 2 / n / (1 - SHARE), abs=1e-5)
    assert report["targets"]["uniform"]["ips"][1] == pytest.approx(report["n_hits"] / 2 / n / SHARE, abs=1e-5)
    assert report["targets"]["uniform"]["by_place"][0]["snips"] == pytest.approx(1.0), "whatever was explored was followed"
    assert report["targets"]["popular"]["support"] == 0.0


def test_targets_can_be_chosen_and_people_get_a_table(tmp_path: Path) -> None:
    done = run(*log(tmp_path), "--targets", "greedy,popular")
    assert done.exit_code == Exit.OK
    assert "greedy" in done.stdout and "uniform" not in done.stdout
    assert "popular: the log could not have shown" in done.stderr


def test_lists_that_did_not_explore_say_nothing(tmp_path: Path) -> None:
    done = run(*log(tmp_path, explores=False))
    assert done.exit_code == Exit.FAILURE
    assert "none of 600 lists explored" in done.stderr and "SEGUE_EXPLORE_SHARE" in done.stderr


def test_a_line_that_is_no_list_is_named(tmp_path: Path) -> None:
    files = log(tmp_path)
    with (tmp_path / "lists").open("ab") as file:
        file.write(b'{"user_id": 3}\n')
    done = run(*files)
    assert done.exit_code == Exit.INVALID
    assert f"lists:{USERS * LISTS + 1}" in done.stderr
