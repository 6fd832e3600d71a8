"""`segue evaluate counts FILE`: how well it is foreseen, and ranked, how often a user will play a track again, beside plain rivals."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from console.commands.evaluating import columns, opened, steps
from console.evaluation_report import interval, shown
from console.output import Json, guarded, say_json, screen
from console.trouble import Exit, Trouble


@guarded
def counts(
    file: Annotated[Path, typer.Argument(help="parquet, csv, tsv, jsonl or inter; .gz is opened.")],
    maps: Annotated[list[str] | None, typer.Option("--map", metavar="FIELD=COLUMN[:UNIT]", help="played_at=ts, ms_played=secs:s")] = None,
    every: Annotated[int, typer.Option(min=1, metavar="PLAYS", help="Ask after one play in so many.")] = 8,
    river_every: Annotated[
        int,
        typer.Option("--river-every", min=0, metavar="MOMENTS", help="River's regressors answer one in so many; 0 = none."),
    ] = 10,
    stop_after: Annotated[int, typer.Option(min=0, metavar="ROWS", help="Look at the first so many plays only; 0 = all.")] = 0,
    seed: Annotated[int, typer.Option(help="Another seed asks after other plays.")] = 1,
    as_json: Json = False,
) -> None:
    """Ask after plays how often the user's newest 50 tracks will be played in 7 and 30 days; each label teaches when it is ripe."""
    # Arrow, River and the kernels take seconds to import: only this command pays for them.
    from evaluation.counts import TooShort, evaluate

    log, n = opened(file, maps, stop_after)
    try:
        report = evaluate(columns(log, n, False), every, seed, river_every, steps)
    except TooShort as error:
        raise Trouble(Exit.INVALID, f"{file}: {error}", f"segue replay {file} --dry-run") from error
    report = {"file": file.name, "source": log.source, **report}
    if as_json:
        say_json(report)
    else:
        _print(report)


def _print(report: dict[str, Any]) -> None:
    out = screen()
    for horizon, found in report["horizons"].items():
        level = f"{found['plays_mean']:.3f} plays each, {found['expected_mean']:.3f} expected"
        title = f"plays within {horizon}: {found['tested']:,} pairs, {level}"
        table = Table("", "deviance", "first half", "Segue is below by", title=title, title_justify="left")
        table.add_row("Segue", shown(found["deviance"]), shown(found["first_half_deviance"]), "")
        for name, rival in found["rivals"].items():
            table.add_row(name, shown(rival["deviance"]), shown(rival["first_half_deviance"]), percent(rival["below"]))
        out.print(table, markup=False)
        if found["order"]:
            out.print(_order(horizon, found["order"]), markup=False)
    if report["river"]:
        table = Table("7 days, a sample of moments", "deviance", "Segue's", "Segue is below by", "us per lesson")
        for name, rival in report["river"].items():
            table.add_row(name, shown(rival["deviance"]), shown(rival["ours"]), percent(rival["below"]), f"{rival['us_per_lesson']:.0f}")
        out.print(table, markup=False)
    waiting = f", {report['left_out']:,} left out for want of room" if report["left_out"] else ""
    out.print(f"{report['moments']:,} moments, {report['asked']:,} pairs asked about{waiting}")
    out.print(f"{report['us_per_lesson']:.0f} us of CPU per lesson and answer, {report['us_per_play']:.0f} us per play for all of it")


def _order(horizon: str, found: dict[str, Any]) -> Table:
    title = f"order of the user's tracks by plays within {horizon}: {found['moments']:,} moments"
    table = Table("", "nDCG@10", "Segue is ahead by", title=title, title_justify="left")
    table.add_row("Segue", shown(found["ndcg10"]), "")
    for name, rival in found["rivals"].items():
        table.add_row(name, shown(rival["ndcg10"]), interval(rival["ahead"]))
    return table


def percent(found: list[float]) -> str:
    """A share and its interval.

    >>> percent([0.1128, 0.1271, 0.1413])
    '12.7 % (11.3 to 14.1)'
    """
    low, mean, high = (100 * value for value in found)
    return f"{mean:.1f} % ({low:.1f} to {high:.1f})"
