"""Runs worlds: `python -m tests.simulation.run --worlds 1000 --first 0`, or one with its story: `--seed 17`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from typing import Any, NamedTuple

import structlog

from tests.simulation.audit import judge
from tests.simulation.faults import FAULTS, HITS_MIN, STEPS, Plan, table
from tests.simulation.virtual_loop import VirtualLoop
from tests.simulation.worker import Crash
from tests.simulation.world import World


class Told(NamedTuple):
    """What came of one world; `wrong` is empty when every promise was kept."""

    seed: int
    struck: list[tuple[str, str]]
    wrong: list[str]
    story: list[str]


def live(seed: int, plan: Plan | None = None) -> Told:
    """One world, from its first event to the oracle's verdict."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.get_loop().set_exception_handler(_loud)
        world = World(seed, plan=plan)
        try:
            runner.run(world.run())
        except (Exception, asyncio.CancelledError) as error:  # a world must not end a run without its seed
            return Told(seed, world.plan.struck, [f"{type(error).__name__}: {error}", *map(repr, world.alarms)], world.story)
    verdict = judge(world)
    wrong = verdict.errors + world.broken_promises + [f"alarm: {error!r}" for error in world.alarms]
    return Told(seed, world.plan.struck, wrong, world.story)


def _loud(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A crash leaves futures whose exception nobody asks for; anything else is told."""
    if not isinstance(context.get("exception"), Crash):
        loop.default_exception_handler(context)


def live_all(seeds: Iterable[int]) -> tuple[Counter[tuple[str, str]], list[Told]]:
    """Hits of every cell, and the worlds in which something was wrong."""
    hits: Counter[tuple[str, str]] = Counter()
    failed = []
    for seed in seeds:
        told = live(seed)
        hits.update(told.struck)
        if told.wrong:
            failed.append(told)
    return hits, failed


def live_in_processes(n_worlds: int, first: int, processes: int) -> tuple[Counter[tuple[str, str]], list[Told]]:
    """The same, shared between processes."""
    hits: Counter[tuple[str, str]] = Counter()
    failed: list[Told] = []
    with ProcessPoolExecutor(processes) as pool:
        shares = [range(first + i, first + n_worlds, processes) for i in range(processes)]
        for share_hits, share_failed in pool.map(live_all, shares):
            hits.update(share_hits)
            failed += share_failed
    return hits, sorted(failed)


def thin(hits: Counter[tuple[str, str]], hits_min: int = HITS_MIN) -> list[tuple[str, str]]:
    """Cells that were hit less than `hits_min` times."""
    return [(fault, step) for step in STEPS for fault in FAULTS if hits[fault, step] < hits_min]


def main() -> int:
    """Print the coverage table, and every failing seed with what was wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--worlds", type=int, default=1_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--seed", type=int)
    options = parser.parse_args()
    if options.seed is not None:
        told = live(options.seed)
        print(*told.story, *told.wrong, sep="\n")
        return 1 if told.wrong else 0
    started = time.perf_counter()
    hits, failed = live_in_processes(options.worlds, options.first, options.processes)
    for told in failed:
        print(f"seed {told.seed}: {told.struck}", *told.wrong[:4], sep="\n    ")
    print(table(hits))
    print(
        f"{options.worlds} worlds in {time.perf_counter() - started:.0f} s, {len(failed)} wrong, {len(thin(hits))} cells below {HITS_MIN}"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
