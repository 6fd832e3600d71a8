"""`segue evaluate cleaning FILE`: faults made on purpose, brought back by the cleaner or not."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from console.cleaning_report import print_evaluation
from console.commands.evaluating import steps
from console.output import Json, guarded, say_json
from console.trouble import Exit, Trouble

SEEDS = [1, 2, 3]


@guarded
def cleaning(
    file: Annotated[Path, typer.Argument(help="Tracks, clean: csv, tsv, jsonl or parquet; .gz and .zip are opened.")],
    maps: Annotated[list[str] | None, typer.Option("--map", metavar="FIELD=COLUMN", help="released=year")] = None,
    seeds: Annotated[list[int] | None, typer.Option("--seed", help="May be given several times; 1, 2 and 3 if it is not.")] = None,
    rate: Annotated[float, typer.Option(min=0.001, max=1.0, help="Share of rows that is hit.")] = 0.1,
    as_json: Json = False,
) -> None:
    """Make rows of a clean file dirty, clean them, and count what came back, what did not, and what should have been left alone."""
    # Arrow and River take seconds to import: only this command pays for them.
    from console.catalogue_file import TRACK_COLUMNS, fields_of
    from evaluation.cleaning import evaluate
    from online_models.cleaning.fields import TRACK_FIELDS

    mapping, found = fields_of(file, [field.name for field in TRACK_FIELDS], TRACK_COLUMNS, maps or [])
    rows = [{field: row.get(column) for field, column in mapping.items()} for row in found]
    try:
        report = {"file": file.name, "mapping": mapping, **evaluate(rows, seeds or SEEDS, rate, steps)}
    except ValueError as error:
        raise Trouble(Exit.INVALID, f"{file}: {error}", f"segue quality catalogue {file}") from error
    if as_json:
        say_json(report)
    else:
        print_evaluation(report)
