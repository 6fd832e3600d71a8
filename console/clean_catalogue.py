"""A catalogue file as clean tracks, one per id: what evaluations and maps start from."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from console.catalogue_file import HELP, TRACK_COLUMNS, mapped, rows, told_columns
from console.progress import Steps
from console.trouble import Exit, Trouble
from online_models.cleaning.fields import TRACK_FIELDS
from online_models.cleaning.rows import BadRow, RowCleaner
from online_models.cleaning.verdicts import Value

Values = dict[str, Value]


def clean_tracks(file: Path, maps: Sequence[str]) -> list[Values]:
    """Clean values of each track's first row, in the file's order.

    Raises Trouble for a file that cannot be read, or has no tracks (exit 3).
    """
    found = rows(file)
    first = next(found, None)
    if first is None:
        raise Trouble(Exit.INVALID, f"{file} has no rows", HELP)
    mapping = mapped(list(first), [field.name for field in TRACK_FIELDS], TRACK_COLUMNS, told_columns(maps))
    cleaner, tracks = RowCleaner(TRACK_FIELDS), dict[str, Values]()
    with Steps("rows cleaned", None) as steps:
        for n, row in enumerate(chain([first], found), 1):
            raw = {field: row.get(column) for field, column in mapping.items()}
            steps.show(n)
            try:
                clean = cleaner.clean_one(raw)
            except BadRow:
                continue  # a row without an id is no track
            cleaner.learn_one(raw, clean)
            tracks.setdefault(str(clean.values[cleaner.identity]), clean.values)
    if not tracks:
        raise Trouble(Exit.INVALID, f"{file} has no row with a {cleaner.identity}", HELP)
    return list(tracks.values())
