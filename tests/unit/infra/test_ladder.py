"""The ladder of services: which rung is taken, and what is said. The container engine is a script that notes its calls."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra import containers
from infra.child import free_port
from infra.services import Unreachable, services
from infra.settings import SettingsError

ENGINE = """#!/bin/sh
echo "$@" >> "{calls}"
case "$*" in
  {failing}) echo "no such thing" >&2; exit 1 ;;
  *" ps "*) printf '{running}' ;;
esac
"""


class Engine:
    """A `docker` that does what the test says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls_file = folder / "calls"

    def install(self, *, failing: str = "never", running: str = "") -> None:
        script = self.folder / "docker"
        script.write_text(ENGINE.format(calls=self.calls_file, failing=failing, running=running))
        script.chmod(0o755)

    def calls(self) -> list[str]:
        """Compose calls, without the file."""
        lines = self.calls_file.read_text().splitlines() if self.calls_file.exists() else []
        return [line.replace(f"compose --file {containers.COMPOSE_FILE} ", "") for line in lines]


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setenv("PATH", str(tmp_path))
    return Engine(tmp_path)


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_addresses_of_the_environment_come_first(
    listening: int, engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.install()
    given = {"SEGUE_KAFKA": f"127.0.0.1:{listening}", "SEGUE_REDIS": f"redis://:hush@127.0.0.1:{listening}/0"}
    with services("demo", tmp_path, environ=given) as found:
        assert found == (given["SEGUE_KAFKA"], given["SEGUE_REDIS"], "environment")
    assert engine.calls() == []
    said = capsys.readouterr().err
    assert "given by the environment" in said
    assert "hush" not in said


def test_an_address_where_nothing_answers_is_an_error_not_a_reason_to_start_something_else(listening: int, tmp_path: Path) -> None:
    nowhere = free_port()
    with (
        pytest.raises(Unreachable, match=f"SEGUE_KAFKA=127.0.0.1:{nowhere}"),
        services("test", tmp_path, environ={"SEGUE_KAFKA": f"127.0.0.1:{nowhere}", "SEGUE_REDIS": f"redis://127.0.0.1:{listening}"}),
    ):
        pass
    with (
        pytest.raises(Unreachable, match=rf"SEGUE_REDIS=redis://127.0.0.1:{nowhere}"),
        services("test", tmp_path, environ={"SEGUE_KAFKA": f"127.0.0.1:{listening}", "SEGUE_REDIS": f"redis://127.0.0.1:{nowhere}"}),
    ):
        pass


def test_half_a_set_of_addresses_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="SEGUE_REDIS is not"), services("test", tmp_path, environ={"SEGUE_KAFKA": "127.0.0.1:1"}):
        pass


def test_a_running_engine_starts_compose_for_the_demo_and_takes_it_down(
    engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.install()
    with services("demo", tmp_path, environ={}) as found:
        assert found == ("127.0.0.1:9092", "redis://127.0.0.1:6379/0", "containers")
        assert engine.calls()[-1] == "up --detach --wait kafka redis"
    assert engine.calls()[-1] == "down --timeout 10"
    assert "in containers" in capsys.readouterr().err


def test_compose_is_taken_down_after_a_failure_too(engine: Engine, tmp_path: Path) -> None:
    engine.install()
    with pytest.raises(KeyboardInterrupt), services("demo", tmp_path, environ={}):
        raise KeyboardInterrupt
    assert engine.calls()[-1] == "down --timeout 10"


def test_what_ran_before_goes_on_running(engine: Engine, tmp_path: Path) -> None:
    engine.install(running="3f2a\\n")
    with services("demo", tmp_path, environ={}):
        pass
    assert engine.calls()[-1] == "up --detach --wait kafka redis"


@pytest.mark.parametrize(
    ("failing", "reason"),
    [("info*", "no container engine answers"), ("'compose version'", "docker has no compose command"), ("never", None)],
)
def test_the_reason_against_containers_is_in_words(engine: Engine, failing: str, reason: str | None) -> None:
    engine.install(failing=failing)
    assert containers.why_not("demo") == reason


def test_without_docker_there_is_a_reason_too(engine: Engine) -> None:
    assert containers.why_not("test") == "docker is not installed"


def test_the_image_is_the_one_that_compose_names() -> None:
    assert containers.image("kafka").startswith("apache/kafka:")
    assert containers.image("redis").startswith("redis:")
