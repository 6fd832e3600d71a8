"""Every failure ends with its exit code, one line that says what was seen, and the next command to type."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner, Result

from console import run_state
from console.cli import app
from console.run_state import RunState
from console.trouble import Exit
from infra.child import free_port
from infra.settings import child_environment

LOG = "user,track,ts\nana,t1,1421748000\nana,t2,1421748100\n"


class Injected(NamedTuple):
    """A failure, how a command ends in it, and what it advises."""

    name: str
    arguments: tuple[str, ...]
    code: Exit
    next_command: str
    stdin: str = ""
    environment: tuple[tuple[str, str], ...] = ()
    run_file: bytes = b""


FAILURES = (
    Injected("Kafka is away when sending", ("send", "--user", "ana", "--track", "t1"), Exit.UNREACHABLE, "segue up"),
    Injected("Kafka is away when following", ("tail", "events"), Exit.UNREACHABLE, "segue up"),
    Injected("Kafka is away when planning topics", ("topics", "plan"), Exit.UNREACHABLE, "segue up"),
    Injected("Kafka is away when replaying", ("replay", "log.csv"), Exit.UNREACHABLE, "segue up"),
    Injected("Redis is away when asked for a list", ("recommend", "ana"), Exit.UNREACHABLE, "segue up"),
    Injected("Redis is away when asked for a user", ("user", "ana"), Exit.UNREACHABLE, "segue up"),
    Injected("Redis is away when asked for a track", ("track", "t1"), Exit.UNREACHABLE, "segue up"),
    Injected("Redis is away when asked for quality", ("quality",), Exit.UNREACHABLE, "segue up"),
    Injected("Redis is away when asked for a chart", ("chart", "--genre", "rock"), Exit.UNREACHABLE, "segue up"),
    Injected("two kinds of lists at once", ("recommend", "ana", "--again", "--mood", "calm"), Exit.USAGE, "segue recommend ana --again"),
    Injected("a mood that is not declared", ("recommend", "ana", "--mood", "gloomy"), Exit.USAGE, "segue chart --mood happy"),
    Injected("Redis is away when auditing", ("audit",), Exit.UNREACHABLE, "segue up"),
    Injected("a file is not there", ("replay", "nowhere.csv"), Exit.USAGE, "segue replay --help"),
    Injected("a file is of no known kind", ("replay", "log.txt"), Exit.INVALID, "segue replay --help"),
    Injected("a file has no column for a field", ("replay", "odd.csv"), Exit.INVALID, "segue replay FILE --map track_id=user"),
    Injected("a mapping names no column", ("replay", "log.csv", "--map", "played_at=when"), Exit.INVALID, "segue replay FILE --map"),
    Injected("a mapping is not one", ("replay", "log.csv", "--map", "when"), Exit.USAGE, "segue replay --help"),
    Injected("a report from a row that is not there", ("replay", "log.csv", "--report-from", "9"), Exit.USAGE, "segue replay log.csv"),
    Injected("a play without a track", ("send", "--user", "ana"), Exit.USAGE, "segue send --user ana --track t42"),
    Injected("a topic that does not exist", ("tail", "plays"), Exit.USAGE, "segue tail recommendations"),
    Injected("a role that does not exist", ("worker", "dj"), Exit.USAGE, "segue worker plays"),
    Injected("a benchmark that does not exist", ("bench", "nothing"), Exit.USAGE, "segue bench pipeline"),
    Injected("Kafka is away when estimating", ("evaluate", "policy"), Exit.UNREACHABLE, "segue up"),
    Injected("one file of the two", ("evaluate", "policy", "--events", "log.csv"), Exit.USAGE, "segue evaluate policy --recommendations"),
    Injected(
        "lists that are no lists",
        ("evaluate", "policy", "--recommendations", "log.csv", "--events", "log.csv"),
        Exit.INVALID,
        "segue evaluate policy --help",
    ),
    Injected(
        "lists that are not there",
        ("evaluate", "policy", "--recommendations", "nowhere", "--events", "log.csv"),
        Exit.INVALID,
        "ls -l .",
    ),
    Injected(
        "a policy that does not exist", ("evaluate", "policy", "--targets", "best"), Exit.USAGE, "segue evaluate policy --targets all"
    ),
    Injected("a setting that cannot be", ("quality",), Exit.USAGE, "env | grep SEGUE_", environment=(("SEGUE_METRICS_PORT", "x"),)),
    Injected("a setting that is unknown", ("quality",), Exit.USAGE, "env | grep SEGUE_", environment=(("SEGUE_REDISS", "x"),)),
    Injected("a damaged run file", ("quality",), Exit.INVALID, "rm ", run_file=b"{"),
    Injected("a second start beside a running one", ("up",), Exit.REFUSED, "kill ", run_file=b"mine"),
)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory; Kafka and Redis where nobody listens."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in child_environment({}) if name.startswith("SEGUE_")]:
        monkeypatch.delenv(name)
    (tmp_path / "log.csv").write_text(LOG)
    (tmp_path / "log.txt").write_text(LOG)
    (tmp_path / "odd.csv").write_text("user,ts,tempo\nana,1421748000,120\n")
    return tmp_path


def _run(failure: Injected, folder: Path, monkeypatch: pytest.MonkeyPatch, *more: str) -> Result:
    for name, value in failure.environment:
        monkeypatch.setenv(name, value)
    nobody = ["--kafka", f"127.0.0.1:{free_port()}", "--redis", f"redis://127.0.0.1:{free_port()}/0"]
    if failure.run_file:
        nobody = []
        (folder / ".segue").mkdir()
        if failure.run_file == b"mine":
            run_state.write(RunState(os.getpid(), "segue up", "segue", "127.0.0.1:1", "redis://127.0.0.1:1/0"), folder / ".segue")
        else:
            (folder / ".segue" / "run.json").write_bytes(failure.run_file)
    return CliRunner().invoke(app, [*nobody, *failure.arguments, *more], input=failure.stdin)


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.name)
def test_a_failure_has_its_exit_code_and_names_the_next_command(
    failure: Injected, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = _run(failure, elsewhere, monkeypatch)
    assert result.exit_code == failure.code, result.output
    assert result.stdout == ""
    said = result.stderr.strip().splitlines()
    assert said[-1].startswith(f"  next: {failure.next_command}"), result.stderr
    assert said[-2].startswith("segue: ")


AS_JSON = [failure for failure in FAILURES if failure.arguments[0] not in ("worker", "bench")]


@pytest.mark.parametrize("failure", AS_JSON, ids=lambda failure: failure.name)
def test_with_json_a_failure_is_one_object_on_stdout(failure: Injected, elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = _run(failure, elsewhere, monkeypatch, "--json")
    error = json.loads(result.stdout)["error"]
    assert (result.exit_code, error["code"]) == (failure.code, failure.code)
    assert error["next"].startswith(failure.next_command)
    assert error["message"]


def test_doctor_names_what_is_away_and_ends_with_4(elsewhere: Path) -> None:
    addresses = ["--kafka", f"127.0.0.1:{free_port()}", "--redis", f"redis://127.0.0.1:{free_port()}/0"]
    result = CliRunner().invoke(app, [*addresses, "doctor", "--json"])
    assert result.exit_code == Exit.UNREACHABLE
    failed = {check["name"]: check for check in json.loads(result.stdout)["checks"] if check["status"] == "FAIL"}
    assert set(failed) == {"kafka", "redis"}
    assert all(check["fix"] == "segue up" for check in failed.values())


def test_a_key_can_be_spelled_without_redis(elsewhere: Path) -> None:
    result = CliRunner().invoke(app, ["--redis", f"redis://127.0.0.1:{free_port()}/0", "--namespace", "night", "where", "ana b", "--json"])
    assert result.exit_code == Exit.OK
    found = json.loads(result.stdout)
    assert found["user"]["key"].startswith("night:{u")
    assert found["user"]["key"].endswith("}:user:ana%20b")
    assert found["user"]["exists"] is None


def test_a_dry_run_reads_the_file_and_needs_no_service(elsewhere: Path) -> None:
    result = CliRunner().invoke(app, ["replay", "log.csv", "--dry-run", "--json"])
    assert result.exit_code == Exit.OK
    found = json.loads(result.stdout)
    assert (found["rows"], found["mapping"]) == (2, {"user_id": "user", "track_id": "track", "played_at": "ts"})


def test_a_running_segue_is_found_by_its_run_file(elsewhere: Path) -> None:
    kafka = f"127.0.0.1:{free_port()}"
    run_state.write(RunState(os.getpid(), "segue up", "night", kafka, "redis://127.0.0.1:1/0"), elsewhere / ".segue")
    result = CliRunner().invoke(app, ["tail", "events"])
    assert kafka in result.stderr
    assert "night:" in CliRunner().invoke(app, ["where", "ana"]).stdout


@pytest.mark.parametrize("variable", ["SEGUE_KAFKA", "SEGUE_REDIS"])
def test_an_address_from_the_environment_keeps_the_run_file_out(variable: str, elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "127.0.0.1:1" if variable == "SEGUE_KAFKA" else "redis://127.0.0.1:1/0")
    run_state.write(RunState(os.getpid(), "segue up", "night", "127.0.0.1:2", "redis://127.0.0.1:2/0"), elsewhere / ".segue")
    assert "segue:" in CliRunner().invoke(app, ["where", "ana"]).stdout


def test_without_a_command_there_is_help() -> None:
    result = CliRunner().invoke(app, [])
    assert result.exit_code == Exit.USAGE
    assert "recommend" in result.output


def test_an_unknown_option_is_a_usage_error_that_names_the_help() -> None:
    result = CliRunner().invoke(app, ["send", "--who", "ana"])
    assert result.exit_code == Exit.USAGE
    assert "send --help" in result.output
