"""Missing programs: installed where we may, else one line that says how to get them. Programs here are small scripts."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from infra import system

Script = Callable[[str, str], Path]


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Script:
    """Writes an executable; nothing else is in PATH, and no Java in its usual folder."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(system, "JAVA_HOMES", tmp_path / "jvm")

    def write(name: str, body: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return path

    return write


def java(version: str) -> str:
    return f"""echo 'openjdk version "{version}" 2025-04-15' >&2"""


def test_a_program_in_the_path_is_taken(script: Script) -> None:
    there = script("redis-server", "exit 0")
    assert system.need_redis() == str(there)


def test_without_a_package_manager_one_line_says_what_is_missing(script: Script) -> None:
    with pytest.raises(system.Missing, match="^redis-server is missing: install it with your system's package manager.*$"):
        system.need_redis()


def test_without_rights_one_line_says_what_to_type(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    script("apt-get", "exit 0")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(system.Missing, match="^mvn is missing: sudo apt-get install --no-install-recommends maven$"):
        system.need_maven()


def test_with_rights_it_is_installed(script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    script(
        "apt-get",
        f'echo "$@" >> {tmp_path}/calls; [ "$1" = update ] || {{ echo "#!/bin/sh" > {tmp_path}/mvn; /bin/chmod +x {tmp_path}/mvn; }}',
    )
    assert system.need_maven() == str(tmp_path / "mvn")
    assert (tmp_path / "calls").read_text().splitlines() == ["update -q", "install -y -q --no-install-recommends maven"]


def test_what_cannot_be_installed_names_the_packages_tried(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    script("apt-get", "exit 100")
    with pytest.raises(system.Missing, match="openjdk-17-jre-headless, openjdk-21-jre-headless, openjdk-25-jre-headless"):
        system.need_java()


def test_an_old_java_in_the_path_does_not_hide_a_new_one(script: Script) -> None:
    script("java", java("11.0.2"))
    new = script("jvm/java-21-openjdk/bin/java", java("21.0.1"))
    assert system.need_java() == str(new)


@pytest.mark.parametrize("version", ["17.0.15", "21", "26-ea"])
def test_a_java_that_is_new_enough_is_taken(script: Script, version: str) -> None:
    there = script("java", java(version))
    assert system.need_java() == str(there)
