"""The judge shares nothing with what it judges."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[2] / "oracle"
OURS = frozenset({"streams", "infra", "online_models", "evaluation", "console", "benchmarks"})


def imported(path: Path) -> set[str]:
    """Every module name that a file imports, wherever in it the import stands."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative imports hide where they lead"
            names.add(node.module or "")
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            called = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            assert called not in {"__import__", "import_module", "exec", "eval"}, f"{path.name}: {called} could import anything"
    return names


def test_there_is_something_to_look_at() -> None:
    assert len(list(HOME.glob("*.py"))) > 10


@pytest.mark.parametrize("path", sorted(HOME.rglob("*.py")), ids=lambda path: path.name)
def test_the_oracle_imports_nothing_that_it_judges(path: Path) -> None:
    strangers = {name for name in imported(path) if name.split(".")[0] in OURS}
    helpers = {name for name in imported(path) if name.startswith("tests") and not name.startswith("tests.oracle")}
    assert not strangers | helpers
