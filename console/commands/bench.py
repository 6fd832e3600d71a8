"""`segue bench NAME`: runs one of `benchmarks/`, which measures the real thing on this machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from console.output import finish, guarded
from console.trouble import Exit, Trouble
from infra.kafka_jars import project_dir

SETTINGS = {"allow_extra_args": True, "ignore_unknown_options": True}
"""What stands behind NAME goes to the benchmark as it is."""


@guarded
def bench(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="pipeline, latency, …")],
) -> None:
    """Measure: `segue bench pipeline --json`, `segue bench latency --json`."""
    home = project_dir()
    if not _runnable(home, name):
        there = sorted(path.stem for path in (home / "benchmarks").iterdir() if _runnable(home, path.stem))
        raise Trouble(
            Exit.USAGE, f"no benchmark {name!r} in {home / 'benchmarks'}; there are {', '.join(there) or 'none'}", "segue bench pipeline"
        )
    done = subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *context.args], cwd=home)
    if done.returncode < 0:
        raise Trouble(Exit.FAILURE, f"the benchmark was ended by signal {-done.returncode}", f"segue bench {name}")
    finish(Exit(done.returncode) if done.returncode in set(Exit) else Exit.FAILURE)


def _runnable(home: Path, name: str) -> bool:
    """A module or a package of benchmarks/ that can be run: it says so by its last lines."""
    folder = home / "benchmarks"
    found = [path for path in (folder / f"{name}.py", folder / name / "__main__.py") if path.is_file()]
    return name.isidentifier() and any('__name__ == "__main__"' in path.read_text() for path in found)
