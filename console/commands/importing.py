"""`segue import catalogue FILE`: tracks, or users' attributes, from a file into their topic."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from console.addresses import settings_of
from console.kafka_door import group_members
from console.output import Json, guarded, say, say_json, screen


@guarded
def catalogue(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="csv, tsv, jsonl or parquet; .gz and .zip are opened.")],
    users: Annotated[bool, typer.Option("--users", help="The file holds users' attributes, not tracks.")] = False,
    maps: Annotated[list[str] | None, typer.Option("--map", metavar="FIELD=COLUMN", help="track_id=song, released=year")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Until the workers have cleaned everything, then say what became of it.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read the file and show the mapping; send nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Send a catalogue to its topic, one record per id, as it is written: the workers clean it. A second import changes nothing."""
    # Arrow takes 0.3 s to import, and River a second: only this command pays for them.
    from console.catalogue_import import CatalogueImport

    settings = settings_of(context)
    run = CatalogueImport(settings, file, maps or [], users=users)
    found, what = run.found, run.place.what
    say(f"{file}: {found.rows:,} rows of {len(found.of_id):,} {what}, " + ", ".join(f"{f} from {c}" for f, c in found.mapping.items()))
    if found.without_id:
        say(f"{found.without_id:,} rows have no usable id and are left out")
    shown: dict[str, Any] = {
        "file": str(file),
        "topic": run.place.topic,
        "mapping": found.mapping,
        "rows": found.rows,
        "without_id": found.without_id,
        what: len(found.of_id),
    }
    if not dry_run:
        shown["sent"] = run.send()
        if wait:
            shown |= run.wait()
        shown["workers"] = group_members(settings, f"{settings.namespace}.catalogue")
    _tell(shown, what, as_json, users=users)


def _tell(shown: dict[str, Any], what: str, as_json: bool, *, users: bool) -> None:
    if as_json:
        say_json(shown)
        return
    if "sent" not in shown:
        return
    out = screen()
    out.print(f"sent {shown['sent']:,} {what} to {shown['topic']}", markup=False)
    if "applied" in shown:
        out.print(f"applied {shown['applied']:,}  withdrawn {shown['withdrawn']:,}  rejected {shown['rejected']:,}")
        if shown["rejected"]:
            out.print("next: segue tail dead-letters --last 5 --no-follow")
    if not shown["workers"]:
        out.print("no worker cleans them yet; next: segue worker catalogue")
    else:
        out.print("next: segue quality catalogue" + (" --users" if users else ""))
