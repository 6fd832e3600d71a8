"""`segue up`, `segue worker`, `segue demo`: the processes."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from console import run_state
from console.addresses import settings_of
from console.output import Json, guarded, say, say_json, screen
from console.site import ROLES, Workers, install, site
from console.trouble import Exit, Trouble
from infra.model_key import model_key
from infra.settings import Settings, SettingsError, without_password
from streams.clock import SystemClock

LOOK_EVERY_S = 0.5


@guarded
def up(
    context: typer.Context,
    workers: Annotated[int, typer.Option(min=0, help="Worker processes for plays; 0 = services and topics alone.")] = 1,
    models: Annotated[bool, typer.Option("--models/--no-models", help="A models worker beside them.")] = True,
    catalogue: Annotated[bool, typer.Option("--catalogue/--no-catalogue", help="A catalogue worker beside them.")] = True,
    answers: Annotated[bool, typer.Option("--answers/--no-answers", help="An answers worker beside them.")] = True,
    seconds: Annotated[float, typer.Option(min=0, help="Stop by itself after so long; 0 = until Ctrl-C.")] = 0.0,
    as_json: Json = False,
) -> None:
    """Start Kafka and Redis (unless the environment names them), topics and workers; stop all with Ctrl-C."""
    settings = settings_of(context)
    folder = Path(settings.data_dir)
    other = run_state.read(folder)
    if other is not None:
        raise Trouble(
            Exit.REFUSED, f"`{other.command}` (process {other.pid}) is running from {folder}, Kafka at {other.kafka}", f"kill {other.pid}"
        )
    beside = {"models": models, "catalogue": catalogue, "answers": answers}
    crew = {"plays": workers, **{role: 1 for role, wanted in beside.items() if wanted}} if workers else {}
    if workers:
        install()
    with site(settings, data_dir=folder, workers=crew) as running:
        live, processes = running.settings, running.workers
        state = run_state.RunState(os.getpid(), "segue up", live.namespace, live.kafka, live.redis, processes.metrics.get("plays", 0))
        path = run_state.write(state, folder)
        try:
            if workers:
                processes.wait_ready()
            _announce(state, path, as_json)
            _stay(processes, seconds)
        finally:
            run_state.remove(folder, os.getpid())
            say("stopping")


@guarded
def worker(
    context: typer.Context,
    role: Annotated[str, typer.Argument(help=f"One of {', '.join(ROLES)}.")],
    workers: Annotated[int, typer.Option(min=1, max=256, help="Processes under one supervisor.")] = 1,
) -> None:
    """Run workers of one role in the foreground, restarted when one dies; stop with SIGTERM or Ctrl-C."""
    known = ROLES.get(role)
    if known is None:
        raise Trouble(Exit.USAGE, f"no role {role!r}; there are {', '.join(ROLES)}", "segue worker plays")
    settings = settings_of(context)
    if known == "models":
        readable(settings)
    # The kernels take seconds to import: only this command pays for them.
    from streams.worker import run_role

    code = run_role(known, settings, workers)
    if code:
        raise typer.Exit(code)


@guarded
def demo(
    context: typer.Context,
    seconds: Annotated[float, typer.Option(min=0, help="How long the audience plays; 0 = until Ctrl-C.")] = 0.0,
    rate: Annotated[float, typer.Option(min=1, help="Plays per second.")] = 400.0,
    users: Annotated[int, typer.Option(min=10, max=900, help="How many people listen.")] = 400,
    seed: Annotated[int, typer.Option(help="The same seed is the same audience.")] = 7,
    workers: Annotated[int, typer.Option(min=1, help="Worker processes for plays.")] = 1,
    as_json: Json = False,
) -> None:
    """Everything at once: services, workers, a simulated audience, and a live view; ends with an audit."""
    from console.demo import run
    from console.demo_show import Plan

    settings = settings_of(context)
    result = run(settings, Plan(seconds, rate, users, seed, workers), SystemClock())
    if as_json:
        say_json(result.shown())
    else:
        screen().print(result.line(), markup=False)
    if not result.ok:
        raise Trouble(Exit.FAILURE, result.why(), "segue doctor")


def readable(settings: Settings) -> None:
    """The key of models, before a worker starts that needs it.

    Raises
    ------
    Trouble : it cannot be read (exit 2)
    """
    try:
        model_key(settings)
    except SettingsError as error:
        raise Trouble(Exit.USAGE, str(error), "env | grep SEGUE_MODEL_KEY") from error


def _stay(processes: Workers, seconds: float) -> None:
    """Until the time is over or somebody presses Ctrl-C, which is the way to stop and no failure."""
    end_s = time.monotonic() + seconds
    try:
        while not seconds or time.monotonic() < end_s:
            processes.check()
            time.sleep(LOOK_EVERY_S)
    except KeyboardInterrupt:
        return


def _announce(state: run_state.RunState, path: Path, as_json: bool) -> None:
    if as_json:
        say_json({**msgspec.to_builtins(state), "redis": without_password(state.redis), "run_file": str(path)})
        return
    out = screen()
    out.print(f"Kafka    {state.kafka}   topics {state.namespace}.*", markup=False)
    out.print(f"Redis    {without_password(state.redis)}   keys {state.namespace}:*", markup=False)
    if state.metrics_port:
        out.print(f"Metrics  http://127.0.0.1:{state.metrics_port}/metrics", markup=False)
    out.print("Now, in another terminal:  segue send --user ana --track t42  and  segue recommend ana", markup=False)
    out.print("Stop with Ctrl-C.", markup=False)
