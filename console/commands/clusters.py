"""`segue evaluate clusters FILE`: micro-genres and text clusters of a catalogue, beside what a batch and River find."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from console.output import Json, guarded, say, say_json, screen
from console.progress import Steps
from console.trouble import Exit, Trouble

SEEDS_N = 3
TARGETS = ("subgenre", "genre")
"""Names that clusters are measured against, the first that the file has."""


@guarded
def clusters(
    file: Annotated[Path, typer.Argument(help="A catalogue: csv, tsv, jsonl or parquet; .gz and .zip are opened.")],
    maps: Annotated[list[str] | None, typer.Option("--map", metavar="FIELD=COLUMN", help="subgenre=style")] = None,
    seeds: Annotated[int, typer.Option(min=1, max=20, metavar="N", help="Shuffled orders, seeds 1 to N.")] = SEEDS_N,
    as_json: Json = False,
) -> None:
    """Play a catalogue through micro-genres and text clusters in shuffled orders; each track is placed, then learned."""
    # Arrow, River and SciPy take a second to import: only this command pays for it.
    import numpy as np

    from console.clean_catalogue import clean_tracks
    from console.cluster_report import tables
    from evaluation.cluster_contest import evaluate
    from evaluation.text_contest import evaluate as evaluate_texts
    from online_models.clusters.track import track_of
    from online_models.texts.text import text_of

    found = clean_tracks(file, maps or [])
    target = next((name for name in TARGETS if any(name in values for values in found)), None)
    if target is None:
        raise Trouble(Exit.INVALID, f"{file} has no column of {' or '.join(TARGETS)}", f"segue evaluate clusters {file} --map genre=COLUMN")
    named = [values for values in found if target in values]
    say(f"{file}: {len(found):,} tracks, {len(named):,} of them with a {target}")
    codes = np.unique([str(values[target]) for values in named], return_inverse=True)[1]
    orders = range(1, seeds + 1)
    report = {
        "file": file.name,
        "target": target,
        **evaluate([track_of(it) for it in named], codes, orders, steps_of),
        "texts": evaluate_texts([text_of(it) for it in named], codes, orders, steps_of),
    }
    if as_json:
        say_json(report)
    else:
        for part in tables(report):
            screen().print(part, markup=False)


@contextmanager
def steps_of(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Progress for `evaluation/`, which prints nothing itself."""
    with Steps(what, total) as steps:
        yield steps.show
