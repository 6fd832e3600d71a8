"""The demo: a whole Segue, a simulated audience in front of it, a live view, and an audit at the end."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from console import run_state
from console.audit import audit
from console.demo_result import Result
from console.demo_show import Plan, Show
from console.demo_view import view_for
from console.output import say
from console.site import Site, install, site
from console.sweep import sweep
from console.trouble import Exit, Trouble
from infra.settings import Settings
from streams.ports import Clock

MODELS_N: Final = 5
"""Finish, genre, micro-genres, play counts, segments; text clusters and the map would take as much CPU again, unseen."""


def run(settings: Settings, plan: Plan, clock: Clock) -> Result:
    """The whole demo; returns after every process that it started has ended.

    Raises
    ------
    Trouble : something could not be started, or broke
    """
    main_dir = Path(settings.data_dir)
    folder = main_dir / "demo"
    other = run_state.read(folder)
    if other is not None:
        raise Trouble(Exit.REFUSED, f"another demo is running from {folder} (process {other.pid})", f"kill {other.pid}")
    install()
    begun_s = time.monotonic()
    shutil.rmtree(folder / "data", ignore_errors=True)
    own = msgspec.structs.replace(settings, namespace=f"demo-{secrets.token_hex(3)}", lessons_partitions=MODELS_N)
    with (
        site(own, data_dir=folder, workers={"plays": plan.workers, "models": 1, "answers": 1, "catalogue": 1}) as running,
        _found_by_others(running, main_dir),
    ):
        try:
            running.workers.wait_ready()
            say(f"workers ready after {time.monotonic() - begun_s:.1f} s; {plan.users} people start to listen")
            return _perform(running, plan, clock, begun_s)
        finally:
            if running.how != "processes":
                running.workers.stop()
                sweep(running.settings)


def _perform(running: Site, plan: Plan, clock: Clock, begun_s: float) -> Result:
    show = Show(running, plan, clock, begun_s)
    try:
        with view_for() as view:
            show.play(view)
        show.settle()
        say("auditing: the topics are read again whole and everything is recomputed")
        report = audit(running.settings, progress=lambda _: None)
        for name, promise in report.promises.items():
            for difference in promise.differences:
                say(f"{name}: {difference}")
        say(f"audited {report.plays:,} plays, {report.lists:,} lists and {report.transitions:,} transitions in {report.seconds:g} s")
        return show.result(report)
    except KeyboardInterrupt:
        say(f"stopped after {show.figures.n_plays:,} plays and {show.figures.n_lists:,} lists; not audited")
        raise
    finally:
        show.close()


@contextmanager
def _found_by_others(running: Site, main_dir: Path) -> Iterator[None]:
    """Run files: one locks the demo's folder, one lets `segue recommend` and the like find this demo."""
    live = running.settings
    state = run_state.RunState(os.getpid(), "segue demo", live.namespace, live.kafka, live.redis, running.workers.metrics.get("plays", 0))
    folders = [Path(live.data_dir)] + ([main_dir] if run_state.read(main_dir) is None else [])
    for folder in folders:
        run_state.write(state, folder)
    try:
        yield
    finally:
        for folder in folders:
            run_state.remove(folder, os.getpid())
