"""Files that must agree: pins and locks, the broker's version, and no address of an index anywhere."""

from __future__ import annotations

import re
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
