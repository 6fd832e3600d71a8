"""`segue quality catalogue`: what the cleaning said of what came in, or says of a file before anything learns from it."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.addresses import settings_of
from console.catalogue_state import counts_by_rule, outcomes, place_of
from console.cleaning_report import print_catalogue, print_live
from console.output import Json, guarded, say_json
from console.progress import Steps
from console.redis_door import State
from console.trouble import Exit, Trouble

if TYPE_CHECKING:
    from collections.abc import Iterator

    from console.catalogue_file import Row
    from infra.settings import Settings
    from online_models.cleaning.rows import Counts, RowCleaner


@guarded
def catalogue(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="csv, tsv, jsonl or parquet; .gz and .zip are opened. Without: what came in.")] = None,
    users: Annotated[bool, typer.Option("--users", help="Users' attributes, not tracks.")] = False,
    maps: Annotated[list[str] | None, typer.Option("--map", metavar="FIELD=COLUMN", help="released=year")] = None,
    as_json: Json = False,
) -> None:
    """What was corrected and refused, by field and rule, with examples: of all that came in, or of a file without importing it."""
    report = _live(settings_of(context), users=users) if file is None else _of_file(file, maps or [], users=users)
    if as_json:
        say_json(report)
    elif file is None:
        print_live(report)
    else:
        print_catalogue(report)


def _live(settings: Settings, *, users: bool) -> dict[str, Any]:
    """What the catalogue workers counted."""
    state, place = State(settings), place_of(settings, users=users)
    counted = outcomes(state, place)
    if not any(counted.values()):
        told = " --users" if users else ""
        raise Trouble(Exit.FAILURE, f"no record of {place.topic} was cleaned yet", f"segue import catalogue FILE{told}")
    return {"topic": place.topic, "records": counted, **counts_by_rule(state, place)}


def _of_file(file: Path, maps: list[str], *, users: bool) -> dict[str, Any]:
    # Imported here: Arrow and River, which no other command and no worker should wait for.
    from console.catalogue_file import TRACK_COLUMNS, USER_COLUMNS, fields_of
    from online_models.cleaning.fields import TRACK_FIELDS, USER_FIELDS
    from online_models.cleaning.rows import RowCleaner

    fields, names = (USER_FIELDS, USER_COLUMNS) if users else (TRACK_FIELDS, TRACK_COLUMNS)
    mapping, found = fields_of(file, [field.name for field in fields], names, maps)
    cleaner = RowCleaner(fields)
    return {"file": str(file), "mapping": mapping, **_cleaned(cleaner, mapping, found, tracks=not users)}


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
