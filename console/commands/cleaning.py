"""`segue quality catalogue`: what the cleaning says of a file of tracks or users, before anything learns from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from console.output import Json, guarded, say_json, screen
from console.progress import Steps
from console.trouble import Exit, Trouble

if TYPE_CHECKING:
    from console.catalogue_file import Row
    from online_models.cleaning.duplicates import Duplicates
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
    from console.catalogue_file import HELP, TRACK_COLUMNS, USER_COLUMNS, mapped, rows, told_columns
    from online_models.cleaning.duplicates import Duplicates
    from online_models.cleaning.fields import TRACK_FIELDS, USER_FIELDS
    from online_models.cleaning.rows import RowCleaner

    fields, names = (USER_FIELDS, USER_COLUMNS) if users else (TRACK_FIELDS, TRACK_COLUMNS)
    cleaner = RowCleaner(fields)
    found = rows(file)
    first = next(found, None)
    if first is None:
        raise Trouble(Exit.INVALID, f"{file} has no rows", HELP)
    # A jsonl's later rows may have more columns than its first; those that are not mapped are not read.
    mapping = mapped(list(first), [field.name for field in fields], names, told_columns(maps or []))
    parts, duplicates = Counter[str](), None if users else Duplicates()
    _clean(cleaner, mapping, chain([first], found), parts, duplicates)
    unread = [column for column in first if column not in mapping.values()]
    report = {"file": str(file), "mapping": mapping, "unread": unread, **_shown(cleaner.counts, mapping)}
    if duplicates is not None:
        report["titles"] = dict(parts)
        report["repeated_rows"] = {"rows": duplicates.n_repeated, "changed": dict(duplicates.changed)}
        report["other_ids_of_a_recording"] = duplicates.n_linked
    if as_json:
        say_json(report)
    else:
        _print(report)


def _clean(cleaner: RowCleaner, mapping: dict[str, str], found: Iterator[Row], parts: Counter[str], duplicates: Duplicates | None) -> None:
    from online_models.cleaning.rows import BadRow

    with Steps("rows cleaned", None) as steps:
        for n, row in enumerate(found, 1):
            raw = {field: row.get(column) for field, column in mapping.items()}
            try:
                clean = cleaner.clean_one(raw)
            except BadRow:
                continue  # counted
            cleaner.learn_one(raw, clean)
            title = clean.title
            if title is not None:
                parts.update(filter(None, ("featured" if title.featured else "", title.kind)))
            if duplicates is not None:
                duplicates.add(str(clean.values[cleaner.identity]), clean.values, title)
            steps.show(n)


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


def _print(report: dict[str, Any]) -> None:
    out = screen()
    out.print(f"{report['file']}: {report['rows']:,} rows, {report['bad_rows']:,} without an id", markup=False)
    out.print("read: " + ", ".join(f"{field} from {column}" for field, column in report["mapping"].items()), markup=False)
    if report["unread"]:
        out.print("not read: " + ", ".join(report["unread"]), markup=False)
    table = Table("field", "what", "values", "for example")
    for row in report["corrected"]:
        table.add_row(row["field"], row["rule"], f"{row['values']:,}", "; ".join(f"{a!r} → {b!r}" for a, b in row["examples"]))
    for row in report["refused"]:
        table.add_row(row["field"], f"refused: {row['reason']}", f"{row['values']:,}", "; ".join(repr(a) for a, _ in row["examples"]))
    for field, n in report["missing"].items():
        table.add_row(field, "missing", f"{n:,}", f"{report['estimated'][field]:,} estimated" if field in report["estimated"] else "")
    out.print(table, markup=False)
    if "repeated_rows" in report:
        parts = ", ".join(f"{kind} {n:,}" for kind, n in sorted(report["titles"].items(), key=lambda pair: -pair[1]))
        out.print(f"titles that were taken apart: {parts or 'none'}", markup=False)
        repeated = report["repeated_rows"]
        changed = ", ".join(f"{field} {n:,}" for field, n in sorted(repeated["changed"].items(), key=lambda pair: -pair[1]))
        out.print(f"rows of a track that had one: {repeated['rows']:,}; what they say otherwise: {changed or 'nothing'}", markup=False)
        out.print(f"other ids of a recording that had one: {report['other_ids_of_a_recording']:,}", markup=False)
