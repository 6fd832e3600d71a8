"""Code blocks of README.md and docs/ are run, in order, against a running Segue: what a reader types works.

`sh` blocks of a document share one shell; `make …` lines are checked without being run (each is a job of its own).
`python` blocks run by themselves with the same environment. Other blocks (`text`, `json`, …) are for reading.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from console.site import Workers
from infra import topics
from infra.services import Addresses
from infra.settings import Settings, child_environment

ROOT = Path(__file__).resolve().parents[2]
BLOCK_S_MAX = 120
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


class Block(NamedTuple):
    """A fenced block: its language (first word behind the fence), its text, and the line where it starts."""

    language: str
    text: str
    line: int


def blocks(text: str) -> Iterator[Block]:
    """Every fenced block of a Markdown text."""
    for found in re.finditer(r"^( *)```(\w+)[^\n]*\n(.*?)^\1```", text, re.MULTILINE | re.DOTALL):
        yield Block(found.group(2), found.group(3), text[: found.start()].count("\n") + 1)


def runnable() -> Iterator[Path]:
    for document in DOCUMENTS:
        if document.exists() and any(block.language in ("sh", "python") for block in blocks(document.read_text())):
            yield document


@pytest.fixture(scope="module")
def running(services: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A Segue of its own on the services; yields the environment in which a reader would type."""
    home = tmp_path_factory.mktemp("docs")
    settings = Settings.from_env(
        {
            "SEGUE_NAMESPACE": "t-docs-" + home.name[-8:].strip("-").lower(),
            "SEGUE_KAFKA": services.kafka,
            "SEGUE_REDIS": services.redis,
            "SEGUE_METRICS_PORT": "0",
            "SEGUE_DATA_DIR": str(home),
        }
    )
    topics.apply(settings)
    shims = home / "shims"
    shims.mkdir()
    put(shims / "make", f'exec {shutil.which("make")} --dry-run --directory={ROOT} "$@" > /dev/null')
    if shutil.which("redis-cli") is None:  # Redis runs in a container
        put(shims / "redis-cli", f'exec {sys.executable} {ROOT}/tests/integration/redis_cli.py "$@"')
    path = f"{shims}:{Path(sys.executable).parent}:{child_environment({})['PATH']}"
    with Workers(settings, home / "logs", {"plays": 1, "catalogue": 1, "answers": 1}) as workers:
        workers.wait_ready()
        yield child_environment(settings.to_env() | {"PATH": path, "PYTHONPATH": str(ROOT)})


def put(script: Path, body: str) -> None:
    script.write_text(f"#!/bin/sh\n{body}\n")
    script.chmod(0o755)


@pytest.mark.parametrize("document", list(runnable()), ids=lambda path: path.name)
def test_every_block_of_a_document_runs(document: Path, running: dict[str, str], tmp_path: Path) -> None:
    found = list(blocks(document.read_text()))
    shell = "".join(f"echo '{document.name}:{block.line}' >&2\n{block.text}" for block in found if block.language == "sh")
    run(["bash", "-euo", "pipefail", "-c", shell], running, tmp_path)
    for block in found:
        if block.language == "python":
            run([sys.executable, "-c", block.text], running, tmp_path)


def run(command: list[str], environment: dict[str, str], folder: Path) -> None:
    done = subprocess.run(
        command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=BLOCK_S_MAX
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
