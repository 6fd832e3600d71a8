"""What each source of candidates and each group of features gives: `python -m benchmarks.ablation FILE [--only alike,squares] [--json]`.

The ranker is replayed whole, and then once without each part, as `micro_rank` replays it: kernels alone, each play tested before it is
learned. What a part gives is what is lost without it, on the same plays, with a paired interval by user. Every replay is a process of its
own; two of them (`own`, `session`) compile kernels of their own first, in a folder that goes with them, which takes a minute or two of CPU.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from shlex import quote
from typing import Annotated, Any, Final, NamedTuple

import numpy as np
import pyarrow.parquet as pq
import typer

from benchmarks.ablation_variants import VARIANTS, WHOLE
from benchmarks.micro_rank import CHUNK, PARTS, read_log
from console.output import Json, guarded, say, say_json, screen
from console.trouble import Exit, Trouble
from evaluation.bootstrap import differences
from evaluation.tally import means
from online_models.arrays import F64, I32
from online_models.plays import MISS
from online_models.presets import PRESETS

ROOT: Final = Path(__file__).resolve().parents[1]
REPORTED: Final = PARTS[:2]
QUICKEST_OF: Final = 20
MEASURES: Final = ("hr20", "mrr20")
COLUMNS: Final = frozenset({"session_id", "user_id", "song_id", "ts", "playtime"})
COMMAND: Final = "python -m benchmarks.ablation"


class Replayed(NamedTuple):
    """What came of one variant."""

    place: I32  # (plays,) in the list that was live, MISS, NOT_TESTED
    seconds: F64  # (chunks,) of CPU in the kernels


def replayed(file: Path, preset: str, name: str, folder: Path) -> Replayed:
    """Replay a variant in a process of its own.

    Raises
    ------
    Trouble : the process failed (exit 1); what it said is on stderr
    """
    out = folder / f"{name}.npz"
    command = [sys.executable, "-m", "benchmarks.ablated", str(file), preset, name, str(out)]
    if VARIANTS[name].replaced is not None:
        command.append(str(folder / f"kernels-{name}"))
    code = subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL).returncode
    if code:
        raise Trouble(
            Exit.FAILURE,
            f"the replay of `{name}` ended with exit code {code}",
            f"{COMMAND} {quote(str(file))} --preset {preset} --only {name}",
        )
    with np.load(out) as found:
        return Replayed(found["place"], found["seconds"])


def quiet_us(seconds: F64) -> float:
    """CPU per play (us) of whole chunks, by the quickest of each QUICKEST_OF.

    Where others work too, that came out again within 1.5, and the mean within 4.

    >>> quiet_us(np.array([0.01, 0.02, 0.05] * 20))
    20.0
    """
    n = max(len(seconds) // QUICKEST_OF, 1)
    return float(np.mean([part.min() for part in np.array_split(seconds, n)])) / CHUNK * 1e6


def compared(mine: I32, whole: I32, slot: I32, seed: int) -> dict[str, Any]:
    """Both measures of a variant and how far it is ahead of the whole, per part of the log, on the plays on which the whole was tested.

    A list that is empty where the whole has one missed.
    """
    found = {}
    for part, a, b in REPORTED:
        rows = slice(int(a * len(whole)), int(b * len(whole)))
        tested = whole[rows] >= MISS
        ranks, theirs = mine[rows][tested], whole[rows][tested]
        values, ahead = means(ranks), differences(ranks, theirs, slot[rows][tested], seed)
        found[part] = {"tested": len(ranks)} | {m: {"value": values[m], "ahead": ahead.get(m)} for m in MEASURES}
    return found


def measure(file: Path, preset: str, names: list[str], seed: int) -> dict[str, Any]:
    """Replay the whole and the variants `names`; the report."""
    slot = read_log(str(file)).slot
    report: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="segue-ablation-") as folder:
        whole = None
        for i, name in enumerate([WHOLE, *names]):
            began_s = time.monotonic()
            compiles = " (compiles kernels of its own)" if VARIANTS[name].replaced else ""
            say(f"{i + 1} of {len(names) + 1}: {name}{compiles}")
            mine = replayed(file, preset, name, Path(folder))
            whole = whole or mine
            report[name] = {
                "without": VARIANTS[name].what,
                "parts": compared(mine.place, whole.place, slot, seed),
                "us_per_play": round(quiet_us(mine.seconds[: max(len(slot) // CHUNK, 1)]), 1),
                "saves_work": VARIANTS[name].saves,
            }
            last = report[name]["parts"][REPORTED[-1][0]]
            say(f"  last 20 %: {_both(last, 'value')}, {time.monotonic() - began_s:.0f} s")
    return {"file": file.name, "preset": preset, "seed": seed, "plays": len(slot), "variants": report}


def _both(part: dict[str, Any], key: str) -> str:
    return ", ".join(f"{m} {part[m][key]}" for m in MEASURES)


def table(report: dict[str, Any], first: str = WHOLE, column: str = "without") -> str:
    """Markdown, for people and for docs/quality.md; the others are held against `first`."""
    head = [column, *(f"{part}: HR@20 | ahead | MRR@20 | ahead" for part, _, _ in REPORTED), "us"]
    lines = ["| " + " | ".join(head) + " |", "|---" * 10 + "|"]
    for name, row in report["variants"].items():
        cells = [f"{name}"]
        for part, _, _ in REPORTED:
            for m in MEASURES:
                cells += [_share(row["parts"][part][m]["value"]), "" if name == first else _interval(row["parts"][part][m]["ahead"])]
        cells.append(f"{row['us_per_play']:.1f}" if row["saves_work"] else "")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}".removeprefix("0")


def _interval(three: list[float] | None) -> str:
    if three is None:
        return ""
    low, mean, high = (f"{v:+.4f}".replace("0.", ".", 1) for v in three)
    return f"{mean} ({low} to {high})"


def chosen(only: str) -> list[str]:
    """The variants that `--only` names, in the order of `VARIANTS`; "" = all. Raises `Trouble` for others (exit 2)."""
    asked = {name.strip() for name in only.split(",") if name.strip()}
    unknown = sorted(asked - VARIANTS.keys())
    if unknown:
        raise Trouble(Exit.USAGE, f"no variant is called {', '.join(unknown)}; there are {', '.join(VARIANTS)}", f"{COMMAND} --help")
    return [name for name in VARIANTS if name != WHOLE and (name in asked or not asked)]


def check(file: Path, preset: str) -> None:
    """Raises `Trouble` unless the file is a log of plays (exit 3) and the preset is one (exit 2)."""
    if preset not in PRESETS:
        raise Trouble(Exit.USAGE, f"no preset is called {preset}; there are {', '.join(PRESETS)}", f"{COMMAND} --help")
    try:
        metadata = pq.read_metadata(file)
    except (OSError, ValueError) as error:
        raise Trouble(Exit.INVALID, f"{file} cannot be read as parquet: {error}", f"{COMMAND} --help") from error
    missing = COLUMNS - set(metadata.schema.names)
    if missing or not metadata.num_rows:
        raise Trouble(Exit.INVALID, f"{file} has no {'column ' + ', '.join(sorted(missing)) if missing else 'play'}", f"{COMMAND} --help")


@guarded
def main(
    file: Annotated[Path, typer.Argument(help="Parquet with session_id, user_id, song_id, ts (s), playtime (s).")],
    preset: Annotated[str, typer.Option(help=", ".join(PRESETS))] = "fast",
    only: Annotated[str, typer.Option(help=f"Some of them: {','.join(VARIANTS)}.")] = "",
    seed: Annotated[int, typer.Option(help="Of the resamples.")] = 1,
    as_json: Json = False,
) -> None:
    """What each part of the ranker gives: hit rates without it, beside the whole, on the same plays."""
    check(file, preset)
    report = measure(file.resolve(), preset, chosen(only), seed)
    if as_json:
        say_json(report)
    else:
        screen().print(table(report), markup=False)


if __name__ == "__main__":
    typer.run(main)
