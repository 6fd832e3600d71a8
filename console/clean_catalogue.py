"""A catalogue file as clean rows of tracks: what evaluations and maps start from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from console.catalogue_file import HELP, TRACK_COLUMNS, mapped, rows, told_columns
from console.progress import Steps
from console.trouble import Exit, Trouble
from online_models.cleaning.fields import TRACK_FIELDS
from online_models.cleaning.rows import BadRow, RowCleaner
from online_models.cleaning.verdicts import Value

Values = dict[str, Value]
IDENTITY = TRACK_FIELDS[0].name


def clean_rows(file: Path, maps: Sequence[str]) -> tuple[dict[str, str], Iterator[Values]]:
    """Which column stands for which field, and the clean values of each row that has an id, cleaned as it is asked for.

    Raises Trouble for a file that cannot be read, or has no rows (exit 3).
    """
    found = rows(file)
    first = next(found, None)
    if first is None:
        raise Trouble(Exit.INVALID, f"{file} has no rows", HELP)
    mapping = mapped(list(first), [field.name for field in TRACK_FIELDS], TRACK_COLUMNS, told_columns(maps))
    return mapping, _clean({field: row.get(column) for field, column in mapping.items()} for row in chain([first], found))


def _clean(raws: Iterator[dict[str, Any]]) -> Iterator[Values]:
    cleaner = RowCleaner(TRACK_FIELDS)
    with Steps("rows cleaned", None) as steps:
        for n, raw in enumerate(raws, 1):
            steps.show(n)
            try:
                clean = cleaner.clean_one(raw)
            except BadRow:
                continue  # a row without an id is no track
            cleaner.learn_one(raw, clean)
            yield clean.values


def clean_tracks(file: Path, maps: Sequence[str]) -> list[Values]:
    """Clean values of each track's first row, in the file's order.

    Raises Trouble for a file that cannot be read, or has no tracks (exit 3).
    """
    tracks: dict[str, Values] = {}
    for values in clean_rows(file, maps)[1]:
        tracks.setdefault(str(values[IDENTITY]), values)
    if not tracks:
        raise Trouble(Exit.INVALID, f"{file} has no row with a {IDENTITY}", HELP)
    return list(tracks.values())
