"""`segue replay FILE`: a recorded log of plays through the real thing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from console.addresses import settings_of
from console.columns import parse_maps
from console.output import Json, guarded, say, say_json, screen


@guarded
def replay(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="parquet, csv, tsv or jsonl; .gz is opened.")],
    maps: Annotated[list[str] | None, typer.Option("--map", metavar="FIELD=COLUMN[:UNIT]", help="played_at=ts, ms_played=secs:s")] = None,
    rate: Annotated[float, typer.Option(min=0, help="Plays per second; 0 = as fast as Kafka takes them.")] = 0.0,
    wait: Annotated[bool, typer.Option("--wait", help="Until the workers have applied everything, then report.")] = False,
    report_from: Annotated[int, typer.Option(min=0, metavar="ROW", help="Quality from the first whole day at or after this row.")] = 0,
    restart: Annotated[bool, typer.Option("--restart", help="Begin at row 1 whatever was sent before.")] = False,
    stop_after: Annotated[int, typer.Option(min=0, help="Send so many plays and stop; the next replay goes on.")] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read the file and show the mapping; send nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Send a file of plays in order of time. A second replay of a file counts nothing; an interrupted one goes on."""
    # Arrow takes 0.3 s to import: only this command pays for it.
    from console.play_log import PlayLog
    from console.replay import Replay

    settings = settings_of(context)
    log = PlayLog(file, parse_maps(maps or []))
    if report_from:
        log.day_from(report_from)
    say(f"{file}: {log.n_rows:,} plays, " + ", ".join(f"{field} from {source}" for field, source in log.mapping.items()))
    if log.n_unusable:
        say(f"{log.n_unusable:,} rows have no user, no track or no time and are left out")
    shown: dict[str, Any] = {
        "file": str(file),
        "source": log.source,
        "rows": log.n_rows,
        "unusable": log.n_unusable,
        "mapping": {field: str(source) for field, source in log.mapping.items()},
    }
    if not dry_run:
        run = Replay(settings, log, Path(settings.data_dir) / "replays", restart=restart)
        if run.resumed_at:
            say(f"going on behind row {run.resumed_at:,}")
        shown |= {"resumed_at": run.resumed_at, "sent": run.send(rate=rate, stop_after=stop_after)}
        if wait or report_from:
            run.wait()
            shown |= run.report(report_from)
    _tell(shown, as_json)


def _tell(shown: dict[str, Any], as_json: bool) -> None:
    if as_json:
        say_json(shown)
        return
    out = screen()
    if "sent" in shown:
        out.print(f"sent {shown['sent']:,} of {shown['rows']:,} plays")
    if "applied" not in shown:
        return
    out.print(
        f"applied {shown['applied']:,}  duplicates {shown['duplicate']:,}  rejected {shown['rejected']:,}  private {shown['private']:,}"
    )
    quality = shown["quality"]
    begin = f"from {quality['from_day']} (row {quality['from_row']:,})" if quality["from_day"] else "all days"
    out.print(f"{begin}: {quality['plays']:,} in-session plays tested")
    for name in ("hr20", "mrr20"):
        if quality[name] is not None:
            label = name.upper().replace("20", "@20")
            out.print(f"  {label} {quality[name]:.4f}   popularity {quality['popularity_' + name]:.4f}")
