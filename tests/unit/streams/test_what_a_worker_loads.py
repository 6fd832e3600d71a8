"""A worker holds the libraries of its role, and the supervisor has loaded them before it forks."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOADED = "import sys, console.cli, streams.worker, streams.warm_up; streams.warm_up.warm_up({role!r}); print('river.base' in sys.modules)"


@pytest.mark.parametrize(("role", "river"), [("plays", "False"), ("models", "True"), ("catalogue", "True"), ("answers", "False")])
def test_river_is_loaded_where_it_is_used_and_nowhere_else(role: str, river: str) -> None:
    """But for one of its kernels, which comes without the rest (`online_models/drift.py`)."""
    run = subprocess.run([sys.executable, "-c", LOADED.format(role=role)], capture_output=True, text=True, timeout=100)
    assert (run.stdout.strip(), run.stderr) == (river, "")
