"""docs/operations.md keeps up with the code: what messages point to is there, and what it names exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from console.cli import app
from infra.metrics import TABLE
from infra.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docs" / "operations.md").read_text()
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SOURCES = [
    path for package in ("streams", "online_models", "infra", "evaluation", "console") for path in sorted((ROOT / package).rglob("*.py"))
]


def headings() -> set[str]:
    return set(re.findall(r"^### (.+)$", TEXT, re.MULTILINE))


def test_every_section_that_a_message_points_to_is_there() -> None:
    pointed = {name for path in SOURCES for name in re.findall(r"operations\.md, '([^']+)'", path.read_text())}
    assert pointed, "no message points to operations.md any more"
    assert pointed <= headings()


def test_every_metric_it_names_is_declared() -> None:
    named = set(re.findall(r"\bsegue_([a-z0-9_]+)", TEXT))
    assert named
    assert named <= {row.name for row in TABLE}


def test_every_setting_it_names_exists() -> None:
    named = {name.lower() for name in re.findall(r"\bSEGUE_([A-Z_]+)\b", TEXT)}
    assert named
    assert named <= set(Settings.__struct_fields__)


def test_every_command_that_documents_and_messages_name_exists() -> None:
    known = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    for path in [*DOCUMENTS, *SOURCES]:
        named = set(re.findall(r"`segue ([a-z][a-z-]*)", path.read_text()))
        assert named <= known, f"{path.name} names {named - known}"


@pytest.mark.parametrize("reason", ["OOM", "LOADING", "READONLY", "MISCONF", "NOREPLICAS", "BUSY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN"])
def test_every_reason_to_wait_for_redis_says_what_to_do(reason: str) -> None:
    assert re.search(rf"^\|.*`{reason}`.*\| .+ \|$", TEXT, re.MULTILINE)


def test_links_inside_the_documents_lead_somewhere() -> None:
    for document in DOCUMENTS:
        for target in re.findall(r"\]\((?!http)([^)#]+)[^)]*\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name}: {target}"
