"""`segue chaos …`: break things on purpose, on services of its own, and have the result judged from outside."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from console.addresses import settings_of
from console.output import Json, guarded, say, say_json, screen
from console.trouble import Exit, Trouble
from streams.clock import SystemClock

Plays = Annotated[int, typer.Option(min=1_000, help="Valid plays to send, at least; duplicates, bad records and the like come on top.")]
Seed = Annotated[int, typer.Option(help="The same seed is the same load and the same schedule.")]
Times = Annotated[int, typer.Option(min=1, help="How many faults.")]
Keep = Annotated[bool, typer.Option("--keep", help="Keep Kafka's and Redis's data also when all is well.")]


@guarded
def kills(
    context: typer.Context,
    plays: Plays = 200_000,
    kills: Annotated[int, typer.Option(min=1, help="Kills of plays workers, a third of them at fail points.")] = 40,
    seed: Seed = 7,
    keep: Keep = False,
    as_json: Json = False,
) -> None:
    """kill -9 of worker processes, of supervisors and of the models worker, while plays pour in."""
    _run(context, "kills", plays, kills, seed, keep, as_json)


@guarded
def redis_kill(
    context: typer.Context, plays: Plays = 40_000, times: Times = 5, seed: Seed = 7, keep: Keep = False, as_json: Json = False
) -> None:
    """kill -9 of Redis (append-only file on), and a restart."""
    _run(context, "redis-kill", plays, times, seed, keep, as_json)


@guarded
def redis_flush(
    context: typer.Context, plays: Plays = 40_000, times: Times = 2, seed: Seed = 7, keep: Keep = False, as_json: Json = False
) -> None:
    """FLUSHALL while the workers run: everything is built again from the logs."""
    _run(context, "redis-flush", plays, times, seed, keep, as_json)


@guarded
def redis_rollback(
    context: typer.Context, plays: Plays = 40_000, times: Times = 3, seed: Seed = 7, keep: Keep = False, as_json: Json = False
) -> None:
    """Redis comes back with an append-only file of some seconds ago."""
    _run(context, "redis-rollback", plays, times, seed, keep, as_json)


@guarded
def broker_kill(
    context: typer.Context, plays: Plays = 40_000, times: Times = 3, seed: Seed = 7, keep: Keep = False, as_json: Json = False
) -> None:
    """kill -9 of the broker, and a restart."""
    _run(context, "broker-kill", plays, times, seed, keep, as_json)


@guarded
def zombie(
    context: typer.Context, plays: Plays = 40_000, times: Times = 3, seed: Seed = 7, keep: Keep = False, as_json: Json = False
) -> None:
    """SIGSTOP a worker until its partitions have moved, then let it wake up and write."""
    _run(context, "zombie", plays, times, seed, keep, as_json)


@guarded
def mixed(
    context: typer.Context, plays: Plays = 40_000, times: Times = 1, seed: Seed = 7, keep: Keep = False, as_json: Json = False
) -> None:
    """Every fault of a service and a zombie, one after the other, `times` rounds."""
    _run(context, "mixed", plays, times, seed, keep, as_json)


def _run(context: typer.Context, what: str, plays: int, times: int, seed: int, keep: bool, as_json: bool) -> None:
    from console.chaos import Options, run
    from console.chaos_plan import plan_kills
    from console.site import install, stop_on_signals

    settings = settings_of(context)
    install()
    if what == "kills":
        for n, kill in enumerate(plan_kills(times, seed), 1):
            say(f"{n:3} {kill.after_s:5.2f} s later: {kill.target} {kill.victim or kill.point}")
    with stop_on_signals():
        result = run(settings, Options(what, plays, times, seed, keep), SystemClock())
    if as_json:
        say_json(result)
    else:
        for name, value in msgspec.structs.asdict(result).items():
            screen().print(f"{name}: {value}", markup=False)
    if not result.ok and as_json:
        raise typer.Exit(Exit.FAILURE)
    if not result.ok:
        raise Trouble(Exit.FAILURE, f"{'; '.join(result.verdict['errors'][:5]) or 'a partition never came back'}", f"ls {result.folder}")
