"""Every benchmark of the promises, one after the other, and docs/benchmarks.md: `segue bench all` (`make bench`).

Half an hour on two cores. Nothing else should run: latency is measured against an echo app that has the machine to
itself, and a neighbour would be charged to whoever runs at that moment. `--quick` writes no document.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from benchmarks import latency, memory, pipeline
from benchmarks.document import document
from console.output import Json, guarded, say, say_json, screen
from infra.settings import Settings

DOCUMENT: Final = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
SEED: Final = 1


def measure(quick: bool) -> dict[str, Any]:
    """{name: report} of all benchmarks; each is also kept as JSON beside the workers' logs."""
    folder = Path(Settings.from_env().data_dir) / "bench"
    reports: dict[str, Any] = {}
    for name, (full, fast, run) in BENCHMARKS.items():
        say(f"{name}:")
        reports[name] = run(**(fast if quick else full), seed=SEED)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.json").write_bytes(msgspec.json.format(msgspec.json.encode(reports[name]), indent=2) + b"\n")
    return reports


BENCHMARKS: Final[dict[str, tuple[dict[str, Any], dict[str, Any], Any]]] = {
    "pipeline": (pipeline.FULL, pipeline.QUICK, pipeline.measure),
    "latency": (latency.FULL, latency.QUICK, latency.measure),
    "memory": (memory.FULL, memory.QUICK, memory.measure),
}
"""Sizes, sizes of a quick run, and the function that measures."""


@guarded
def main(
    quick: Annotated[bool, typer.Option("--quick", help="Small sizes: whether it runs, not how fast.")] = False,
    as_json: Json = False,
) -> None:
    """All benchmarks; writes docs/benchmarks.md."""
    reports = measure(quick)
    if not quick:
        DOCUMENT.write_text(document(reports))
        say(f"written: {DOCUMENT.name}")
    if as_json:
        say_json(reports)
    else:
        texts = (pipeline.table(reports["pipeline"]), latency.table(reports["latency"]), memory.table(reports["memory"]))
        screen().print("\n\n".join(texts), markup=False)


if __name__ == "__main__":
    typer.run(main)
