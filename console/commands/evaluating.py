"""`segue evaluate plays FILE`: how good the lists are, on a recorded log, beside rivals on the same plays."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from console.addresses import settings_of
from console.columns import parse_maps
from console.evaluation_report import tables
from console.output import Json, guarded, say, say_json, screen
from console.progress import Steps
from console.trouble import Exit, Trouble

if TYPE_CHECKING:
    from console.play_log import PlayLog
    from evaluation.contest import Protocol
    from evaluation.log import Log
    from infra.settings import Settings

WEEK_MS = 7 * 86_400_000


@guarded
def plays(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="parquet, csv, tsv, jsonl or inter; .gz is opened.")],
    maps: Annotated[list[str] | None, typer.Option("--map", metavar="FIELD=COLUMN[:UNIT]", help="played_at=ts, ms_played=secs:s")] = None,
    protocol: Annotated[
        str, typer.Option(help="next-track, or flurs: rating 5 only, never what the user knows, Recall@10.")
    ] = "next-track",
    only: Annotated[str, typer.Option(metavar="COLUMN=VALUE", help="Leave out all other rows.")] = "",
    rivals: Annotated[str, typer.Option(metavar="NAMES", help="all, none, or names with commas between.")] = "all",
    eval_from: Annotated[int, typer.Option(min=0, metavar="ROW", help="Report from this row on; 0 = the last fifth.")] = 0,
    learn_until: Annotated[
        int, typer.Option(min=0, metavar="ROW", help="From this row on tables learn no more; sessions and users go on. 0 = never.")
    ] = 0,
    preset: Annotated[str, typer.Option(help='fast or quality; "" = what SEGUE_PRESET says.')] = "",
    delay: Annotated[int, typer.Option(min=0, metavar="PLAYS", help="Lists are made with tables that lack the last so many plays.")] = 0,
    stop_after: Annotated[int, typer.Option(min=0, metavar="ROWS", help="Look at the first so many plays only; 0 = all.")] = 0,
    round_plays: Annotated[int, typer.Option("--round", min=1, max=500, help="Plays handled together; tables learn in between.")] = 100,
    through_kafka: Annotated[
        bool, typer.Option("--through-kafka", help="Also replay the file through real services, and say whether both agree.")
    ] = False,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the learning curve: png, svg or pdf.")] = None,
    explore: Annotated[
        float, typer.Option(min=0.0, max=1.0, metavar="SHARE", help="Let places of discover explore; by default the best list is measured.")
    ] = 0.0,
    seed: Annotated[int, typer.Option(help="Another seed hashes ids in another way, so that equals stand in another order.")] = 1,
    as_json: Json = False,
) -> None:
    """Play a file through the real pipeline in this process; each play is tested, then learned."""
    # Arrow and the kernels take a second to import: only this command pays for it.
    from evaluation.contest import Options, evaluate
    from evaluation.rivals.all import RIVALS

    if plot is not None:
        _check_plot(plot, file)
    rules = _rules(protocol, file, tables_learn=not learn_until, through_kafka=through_kafka)
    log, n = opened(file, maps, stop_after, only=_only(only or rules.only, file))
    _into_reach(log)
    asked = eval_from or int((1 - rules.last_share) * n) + 1
    options = Options(
        protocol=protocol,
        eval_from=_first(log, asked, n, by_day=through_kafka) - 1,
        learn_until=min(learn_until - 1, n) if learn_until else n,
        round_plays=round_plays,
        delay=delay,
        seed=seed,
        rivals=chosen(rivals, RIVALS, f"segue evaluate plays {file}"),
        explore_share=explore,
    )
    events = ((play.user_id, play.value) for play in islice(log.plays(), n))
    settings = _with_preset(settings_of(context), preset, file)
    report = asyncio.run(evaluate(settings, columns(log, n, rules.session_is_user), events, options, steps))
    report = {"file": file.name, "source": log.source, **report}
    if through_kafka:
        report["through_kafka"] = _live(settings, log, asked, n, report)
    if report["refused"]:
        say(f"{report['refused']:,} plays were refused and count as misses: segue replay {file} --dry-run")
    if plot is not None:
        _draw(report, plot, file)
    if as_json:
        say_json(report)
    else:
        for part in tables(report):
            screen().print(part)


def opened(file: Path, maps: list[str] | None, stop_after: int, only: tuple[str, str] | None = None) -> tuple[PlayLog, int]:
    """The log, and how many of its rows are looked at; says what was found."""
    from console.play_log import PlayLog

    log = PlayLog(file, parse_maps(maps or []), only=only)
    say(f"{file}: {log.n_rows:,} plays, " + ", ".join(f"{field} from {source}" for field, source in log.mapping.items()))
    return log, min(stop_after or log.n_rows, log.n_rows)


def _check_plot(plot: Path, file: Path) -> None:
    from console.pictures import check_ending

    check_ending(plot, f"segue evaluate plays {file} --plot curve.png")


def _draw(report: dict[str, Any], plot: Path, file: Path) -> None:
    from console.pictures import learning_curve, write

    write(learning_curve(report), plot, f"segue evaluate plays {file} --plot curve.png")
    say(f"{plot}: the learning curve")


def _with_preset(settings: Settings, preset: str, file: Path) -> Settings:
    from msgspec.structs import replace

    from online_models.presets import PRESETS

    if preset and preset not in PRESETS:
        raise Trouble(Exit.USAGE, f"no preset {preset!r}; there are {', '.join(PRESETS)}", f"segue evaluate plays {file}")
    return replace(settings, preset=preset) if preset else settings


def _rules(protocol: str, file: Path, *, tables_learn: bool, through_kafka: bool) -> Protocol:
    from evaluation.contest import PROTOCOLS

    if protocol not in PROTOCOLS:
        raise Trouble(Exit.USAGE, f"no protocol {protocol!r}; there are {', '.join(PROTOCOLS)}", f"segue evaluate plays {file}")
    rules = PROTOCOLS[protocol]
    if through_kafka and (rules.fresh_only or not tables_learn):
        why = "--through-kafka goes with the protocol next-track and tables that learn to the end"
        raise Trouble(Exit.USAGE, why, f"segue evaluate plays {file} --through-kafka")
    return rules


def _first(log: PlayLog, row: int, n: int, *, by_day: bool) -> int:
    """The first row that is reported; workers count by day of played_at, so beside them it is the first of a day."""
    first = log.day_from(row)[1] if by_day and row <= n else row
    if first > n:
        raise Trouble(Exit.USAGE, f"--eval-from {row}: nothing is left of rows 1 to {n}", f"segue evaluate plays {log.path} --eval-from 1")
    return first


def _live(settings: Settings, log: PlayLog, asked: int, n: int, report: dict[str, Any]) -> dict[str, Any]:
    """What the workers measured themselves, and by how much that differs."""
    from console.evaluation_live import live_quality

    found = live_quality(settings, log, asked, n if n < log.n_rows else 0, report["round_plays"])
    assert found["quality"]["from_row"] == report["eval_from"], "both report the same rows"
    differences = {name: round(found["quality"][name] - report[name], 5) for name in ("hr20", "mrr20")}
    return {**found, "differences": differences}


def chosen(names: str, rivals: Collection[str], command: str) -> tuple[str, ...]:
    """The rivals behind `--rivals`; `command` is what would do for a name that is none of them."""
    if names in ("all", "none"):
        return tuple(rivals) if names == "all" else ()
    found = tuple(name.strip() for name in names.split(","))
    for name in found:
        if name not in rivals:
            raise Trouble(Exit.USAGE, f"no rival {name!r}; there are {', '.join(rivals)}", f"{command} --rivals all")
    return found


def _into_reach(log: PlayLog) -> None:
    """Workers refuse plays that are too old or lie ahead: a log that has such is moved by whole weeks, so that days and hours stay."""
    from evaluation.worker import NOW_MS
    from streams.contract import AT_MS_MIN

    if log.n_rows == 0 or (log.played_at[0] >= AT_MS_MIN and log.played_at[-1] <= NOW_MS):
        return
    weeks = (NOW_MS - int(log.played_at[-1])) // WEEK_MS
    say(f"moved by {weeks:,} weeks: workers take plays since 2002-10-01 that do not lie ahead of their clock")
    log.shift(weeks * WEEK_MS)


def _only(text: str, file: Path) -> tuple[str, str] | None:
    column, equals, value = text.partition("=")
    if text and not (column and equals):
        raise Trouble(Exit.USAGE, f"--only takes COLUMN=VALUE; got {text!r}", f"segue evaluate plays {file} --only rating=5")
    return (column, value) if text else None


def columns(log: PlayLog, n: int, session_is_user: bool) -> Log:
    """The first `n` plays of a file as columns."""
    from evaluation.log import new_log

    user, track, session, artist = (log.codes(field) for field in ("user_id", "track_id", "session_id", "artist"))
    session = user if session_is_user else session
    assert user is not None and track is not None, "rows without a user or a track were left out"
    return new_log(user[:n], track[:n], log.played_at[:n], None if session is None else session[:n], None if artist is None else artist[:n])


@contextmanager
def steps(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Progress as an evaluation shows it."""
    with Steps(what, total) as shown:
        yield shown.show
