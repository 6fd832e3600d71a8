"""`segue quality catalogue`: what the cleaning says of a file of tracks or users, before anything learns from it."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.cleaning_report import print_catalogue
from console.output import Json, guarded, say_json
from console.progress import Steps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from console.catalogue_file import Row
    from online_models.cleaning.rows import Counts, RowCleaner


@guarded
def catalogue(
    file: Annotated[Path, typer.Argument(help="csv, tsv, jsonl or parquet; .gz and .zip are opened.")],
    users: Annotated[bool, typer.Option("--users", help="The file holds users' attributes, not tracks.")] = False,
    maps: Annotated[list[str] | None, typer.Option("--map", metavar="FIELD=COLUMN", help="released=year")] = None,
    as_json: Json = False,
) -> None:
    """Clean a file without importing it: what was corrected and refused, by field and rule, with examples."""
    # Imported here: Arrow and River, which no other command and no worker should wait for.
    from console.catalogue_file import TRACK_COLUMNS, USER_COLUMNS, fields_of
    from online_models.cleaning.fields import TRACK_FIELDS, USER_FIELDS
    from online_models.cleaning.rows import RowCleaner

    fields, names = (USER_FIELDS, USER_COLUMNS) if users else (TRACK_FIELDS, TRACK_COLUMNS)
    mapping, found = fields_of(file, [field.name for field in fields], names, maps or [])
    cleaner = RowCleaner(fields)
    report = {"file": str(file), "mapping": mapping, **_cleaned(cleaner, mapping, found, tracks=not users)}
    if as_json:
        say_json(report)
    else:
        print_catalogue(report)


def _cleaned(cleaner: RowCleaner, mapping: dict[str, str], found: Iterator[Row], *, tracks: bool) -> dict[str, Any]:
    """All rows through the cleaner, and what was seen on the way."""
    from online_models.cleaning.duplicates import Recordings, Repeats
    from online_models.cleaning.rows import BadRow
    from online_models.cleaning.unneeded import Columns

    first = next(found)
    columns, repeats, recordings = Columns(first), Repeats(cleaner.fields), Recordings()
    parts, linked = Counter[str](), set[str]()
    with Steps("rows cleaned", None) as steps:
        for n, row in enumerate(chain([first], found), 1):
            columns.learn_one(row)
            raw = {field: row.get(column) for field, column in mapping.items()}
            try:
                clean = cleaner.clean_one(raw)
            except BadRow:
                continue  # counted
            cleaner.learn_one(raw, clean)
            title = clean.title
            if title is not None:
                parts.update(filter(None, ("featured" if title.featured else "", title.kind)))
            identity = str(clean.values[cleaner.identity])
            if recordings.add(identity, clean) is not None:
                linked.add(identity)
            repeats.add(identity, clean.values)
            steps.show(n)
    report = {
        "unread": [column for column in first if column not in mapping.values()],
        "unneeded": columns.unneeded()._asdict(),
        **_shown(cleaner.counts, mapping),
        "repeated_rows": {"rows": repeats.n_rows, "changed": dict(repeats.changed)},
    }
    return {**report, "titles": dict(parts), "other_ids_of_a_recording": len(linked)} if tracks else report


def _shown(counts: Counts, mapping: dict[str, str]) -> dict[str, Any]:
    def told(found: Any, what: str) -> list[dict[str, Any]]:
        return [
            {"field": field, what: str(kind), "values": n, "examples": counts.examples[field, kind]}
            for (field, kind), n in sorted(found.items(), key=lambda pair: (pair[0][0], -pair[1]))
        ]

    return {
        "rows": counts.n_rows,
        "bad_rows": counts.n_bad_rows,
        "corrected": told(counts.corrected, "rule"),
        "refused": told(counts.refused, "reason"),
        "missing": {field: n for field, n in counts.missing.items() if field in mapping},
        "estimated": {field: n for field, n in counts.estimated.items() if field in mapping},
    }
