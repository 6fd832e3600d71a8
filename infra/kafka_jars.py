"""The broker's jars: fetched once by Maven into a folder of the project, 44 files and 43 MB."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.system import Missing, need_maven

POM = Path(__file__).parent / "kafka" / "pom.xml"
FETCH_S_MAX = 900


def kafka_version() -> str:
    """The version in the pom, its one home."""
    found = re.search(r"<artifactId>kafka_2\.13</artifactId>\s*<version>([^<]+)</version>", POM.read_text())
    assert found, f"{POM} names no version of kafka_2.13"
    return found.group(1)


def project_dir() -> Path:
    """Where `.segue` lives: the checkout when we run from one, else the current directory."""
    checkout = Path(__file__).resolve().parents[1]
    return checkout if (checkout / "pyproject.toml").exists() else Path.cwd()


def jars(home: Path | None = None) -> Path:
    """Folder with the broker's jars; fetches them when it is not there yet.

    Several processes may ask at once: one fetches, the others wait for it.

    Raises Missing when Maven is not there or cannot fetch.
    """
    home = home or project_dir() / ".segue" / "kafka"
    folder = home / kafka_version()
    if folder.exists():
        return folder
    home.mkdir(parents=True, exist_ok=True)
    with _locked(home / "fetch.lock"):
        if not folder.exists():
            _fetch(home / f"{kafka_version()}.{os.getpid()}.part", folder)
    return folder


def _fetch(part: Path, folder: Path) -> None:
    """Fetch into `part` and rename, so that a cut fetch never looks complete."""
    print(f"segue: fetching Apache Kafka {kafka_version()} with Maven into {folder} (43 MB, once)", file=sys.stderr, flush=True)
    command = [need_maven(), "-B", "-q", "--no-transfer-progress", "-f", str(POM), "dependency:copy-dependencies"]
    options = ["-DincludeScope=runtime", f"-DoutputDirectory={part.resolve()}"]
    shutil.rmtree(part, ignore_errors=True)
    done = subprocess.run([*command, *options], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=FETCH_S_MAX)
    if done.returncode != 0:
        shutil.rmtree(part, ignore_errors=True)
        last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-10:])
        raise Missing(f"Maven could not fetch Apache Kafka {kafka_version()}; it said:\n{last}")
    part.rename(folder)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
