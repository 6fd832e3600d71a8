"""`segue evaluate segments FILE`: how well it is foreseen what a listener will do, beside plain rivals."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from console.commands.evaluating import columns, opened, steps
from console.evaluation_report import interval, shown
from console.output import Json, guarded, say_json, screen
from console.trouble import Exit, Trouble

ASKED = {
    "exploring": "more new tracks among the next 20 plays than usual",
    "returning": "a play after 8 hours and within 7 days",
    "finishing": "this play is heard out",
}


@guarded
def segments(
    file: Annotated[Path, typer.Argument(help="parquet, csv, tsv, jsonl or inter; .gz is opened.")],
    maps: Annotated[list[str] | None, typer.Option("--map", metavar="FIELD=COLUMN[:UNIT]", help="played_at=ts, ms_played=secs:s")] = None,
    every: Annotated[int, typer.Option(min=1, metavar="PLAYS", help="Ask at one play in so many.")] = 16,
    river: Annotated[bool, typer.Option("--river", help="Also River's logistic regression and adaptive forest: minutes more.")] = False,
    stop_after: Annotated[int, typer.Option(min=0, metavar="ROWS", help="Look at the first so many plays only; 0 = all.")] = 0,
    seed: Annotated[int, typer.Option(help="Another seed asks at other plays.")] = 1,
    as_json: Json = False,
) -> None:
    """Ask at plays who explores, who comes back and who hears this out; each answer teaches when it is known."""
    # Arrow, River and the kernels take seconds to import: only this command pays for them.
    from evaluation.segments import TooShort, evaluate

    log, n = opened(file, maps, stop_after)
    seconds = log.seconds()
    try:
        report = evaluate(columns(log, n, False), None if seconds is None else seconds[:n], every, seed, river, steps)
    except TooShort as error:
        raise Trouble(Exit.INVALID, f"{file}: {error}", f"segue replay {file} --dry-run") from error
    report = {"file": file.name, "source": log.source, **report}
    if as_json:
        say_json(report)
    else:
        _print(report)


def _print(report: dict[str, Any]) -> None:
    out = screen()
    for target, found in report["targets"].items():
        title = f"{target}: {ASKED[target]}; {found['tested']:,} questions, {found['yes_share']:.3f} yes; {found['champion']} answers now"
        ahead = "Segue is ahead by, log-loss"
        table = Table("", "log-loss", "accuracy", "AUC", ahead, "accuracy", title=title, title_justify="left")
        table.add_row("Segue", *_figures(found), "", "")
        for name, other in {**found["models"], **found["rivals"], **found["others"]}.items():
            table.add_row(name, *_figures(other), *(interval(other["ahead"][measure]) for measure in ("log_loss", "accuracy")))
        out.print(table, markup=False)
        gain = found["forest_gain"]
        out.print(f"the forest is ahead of the tree by {interval(gain['log_loss'])} nats, {interval(gain['accuracy'])} of accuracy")
        out.print(f"{found['us_per_lesson']:.0f} us of CPU for an answer and a lesson")
    _print_kinds(report["kinds"])
    for found in report["examples"]:
        rule = " and ".join(found["rule"]) or "the tree has no rule yet"
        out.print(f"user {found['user']} {found['target']}: {found['probability']:.2f} ({found['by']}); {rule}", markup=False)
    out.print(f"{report['lessons']:,} lessons, {report['us_per_play']:.0f} us of CPU per play for all of it")


def _print_kinds(found: dict[str, Any]) -> None:
    if not found.get("kinds"):
        return
    table = Table(
        "kind of listener", "share", "explores", title=f"{found['number']} kinds explain {found['explained']:.0%}", title_justify="left"
    )
    for kind in found["kinds"]:
        table.add_row(kind["name"], f"{kind['share']:.2f}", "-" if kind["explore"] is None else f"{kind['explore']:.2f}")
    out = screen()
    out.print(table, markup=False)
    agree, rival = (", ".join(f"{value:.2f}" for value in found[name]["adjusted_rand"]) for name in ("halves", "k_means"))
    out.print(f"two halves of the listeners agree by an adjusted Rand of {agree or '-'}; k-means with as many: {rival or '-'}")


def _figures(found: dict[str, Any]) -> tuple[str, ...]:
    return tuple(shown(found[name]) for name in ("log_loss", "accuracy", "auc"))
