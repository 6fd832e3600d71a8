"""Track vectors compared: `python -m benchmarks.vectors FILE [--only learned-64] [--json]`.

Random projection, as it serves, beside skip-gram learned in one pass: as cosines in stage 2, and as a source of the nearest tracks, exact.
Each on the same plays, replayed as `micro_rank` replays them, with paired intervals by user. All in one process, which compiles kernels of
its own first: some four minutes of CPU; then as much again for the seven variants, whose exact search is most of it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer

from benchmarks.ablation import ROOT, Replayed, check, compared, quiet_us, table
from benchmarks.micro_rank import CHUNK, read_log
from benchmarks.vector_variants import SERVED, VARIANTS
from console.output import Json, guarded, say_json, screen
from console.trouble import Exit, Trouble
from online_models.presets import PRESETS

COMMAND: Final = "python -m benchmarks.vectors"


def measure(file: Path, preset: str, names: list[str], seed: int) -> dict[str, Any]:
    """Replay what serves and the variants `names`; the report.

    Raises
    ------
    Trouble : the replay failed (exit 1); what it said is on stderr
    """
    slot, report = read_log(str(file)).slot, {}
    with tempfile.TemporaryDirectory(prefix="segue-vectors-") as folder:
        command = [sys.executable, "-m", "benchmarks.vector_replay", str(file), preset, folder, SERVED, *names]
        code = subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL).returncode
        if code:
            raise Trouble(Exit.FAILURE, f"the replay ended with exit code {code}", f"{COMMAND} --help")
        served = _read(folder, SERVED)
        for name in (SERVED, *names):
            mine = _read(folder, name)
            report[name] = {
                "what": VARIANTS[name].what,
                "parts": compared(mine.place, served.place, slot, seed),
                "us_per_play": round(quiet_us(mine.seconds[: max(len(slot) // CHUNK, 1)]), 1),
                "saves_work": True,
            }
    return {"file": file.name, "preset": preset, "seed": seed, "plays": len(slot), "variants": report}


def _read(folder: str, name: str) -> Replayed:
    with np.load(Path(folder) / f"{name}.npz") as found:
        return Replayed(found["place"], found["seconds"])


def chosen(only: str) -> list[str]:
    """The variants that `--only` names, in the order of `VARIANTS`; "" = all. Raises `Trouble` for others (exit 2)."""
    asked = {name.strip() for name in only.split(",") if name.strip()}
    unknown = sorted(asked - VARIANTS.keys())
    if unknown:
        raise Trouble(Exit.USAGE, f"no variant is called {', '.join(unknown)}; there are {', '.join(VARIANTS)}", f"{COMMAND} --help")
    return [name for name in VARIANTS if name != SERVED and (name in asked or not asked)]


@guarded
def main(
    file: Annotated[Path, typer.Argument(help="Parquet with session_id, user_id, song_id, ts (s), playtime (s).")],
    preset: Annotated[str, typer.Option(help=", ".join(PRESETS))] = "fast",
    only: Annotated[str, typer.Option(help=f"Some of them: {','.join(VARIANTS)}.")] = "",
    seed: Annotated[int, typer.Option(help="Of the resamples.")] = 1,
    as_json: Json = False,
) -> None:
    """What vectors of another kind, and the nearest tracks as a source, would give: hit rates beside what serves, on the same plays."""
    check(file, preset)
    report = measure(file.resolve(), preset, chosen(only), seed)
    if as_json:
        say_json(report)
    else:
        screen().print(table(report, SERVED, "vectors"), markup=False)


if __name__ == "__main__":
    typer.run(main)
