"""Files that must agree: pins and locks, the broker's version, and no address of an index anywhere."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from infra.containers import image
from infra.kafka_jars import kafka_version

ROOT = Path(__file__).resolve().parents[3]
LOCKS = ("requirements.lock", "requirements-run.lock")


def locked(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", (ROOT / name).read_text(), re.MULTILINE))


def pinned(*extras: str) -> dict[str, str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(line for extra in extras for line in project["optional-dependencies"][extra])]
    return dict(line.split("==") for line in wanted)


def test_every_pin_is_locked_at_its_version() -> None:
    assert pinned("dev", "build").items() <= locked("requirements.lock").items()
    assert pinned("build").items() <= locked("requirements-run.lock").items()


def test_the_image_installs_a_subset_of_what_is_tested() -> None:
    assert locked("requirements-run.lock").items() <= locked("requirements.lock").items()
    assert "pytest" not in locked("requirements-run.lock")


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_hashes(name: str) -> None:
    blocks = re.split(r"\n(?=[a-z0-9.-]+==)", (ROOT / name).read_text())[1:]
    assert len(blocks) == len(locked(name))
    assert all("--hash=sha256:" in block for block in blocks)


@pytest.mark.parametrize("name", [*LOCKS, "pyproject.toml", "Makefile", "Dockerfile", "tools/setup.sh", "tools/lock.sh"])
def test_no_index_is_named(name: str) -> None:
    assert not re.search(r"https?://|--index-url|--extra-index-url|--find-links [^-]", (ROOT / name).read_text())


def test_the_pom_names_no_repository() -> None:
    pom = (ROOT / "infra/kafka/pom.xml").read_text()
    assert "<repositor" not in pom
    assert set(re.findall(r"https?://[^\s\"]+", pom)) == {
        "http://maven.apache.org/POM/4.0.0",
        "http://maven.apache.org/xsd/maven-4.0.0.xsd",
        "http://www.w3.org/2001/XMLSchema-instance",
    }


def test_containers_and_processes_run_the_same_kafka() -> None:
    assert image("kafka") == f"apache/kafka:{kafka_version()}"


BANNED = {
    "time.time()": "import time",
    "datetime.datetime.now()": "import datetime",
    "random.random()": "import random",
    "os.environ": "import os",
    "pickle.loads(b'')": "import pickle",
}
HOMES = {"time.time()": "streams/clock.py", "os.environ": "infra/settings.py"}


def refusals(code: str, name: str) -> list[str]:
    """Messages of ruff about banned names in `code`, as if it stood in the file `name`."""
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--select", "TID251", "--output-format", "concise", "--stdin-filename", name, "-"],
        input=code,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    return [line for line in done.stdout.splitlines() if "TID251" in line]


@pytest.mark.parametrize("use", BANNED)
def test_time_chance_environment_and_pickles_stay_in_their_homes(use: str) -> None:
    code = f"{BANNED[use]}\n\nprint({use})\n"
    assert refusals(code, "online_models/anything.py")
    assert refusals(code, "tests/unit/anything.py")
    if use in HOMES:
        assert not refusals(code, HOMES[use])
