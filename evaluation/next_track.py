"""The protocol `next-track`: would the list that was live have held the next play of the session?

Tested are plays that do not open their session, on the last fifth of the log and on all of it. Each contender sees the
same plays in the same order and learns each after it was tested.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from evaluation import segue
from evaluation.bootstrap import differences
from evaluation.breadth import breadth
from evaluation.log import Log
from evaluation.rivals.all import RIVALS
from evaluation.rivals.rival import Task
from evaluation.splits import splits
from evaluation.tally import Tally, means
from infra.settings import Settings
from online_models.plays import RANKER

Rows = npt.NDArray[np.bool_]
LAST_SHARE: Final = 0.2
BLOCK: Final = 2_000
"""Plays for which a rival makes its lists at once."""

Steps = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Shows progress: what, of how many; the manager gives what is to be told how many are done."""


class Options(NamedTuple):
    """What is measured, and how the log is played."""

    eval_from: int
    """Rows from here on (0-based) are reported."""
    learn_until: int
    """Rows before this one teach tables, Segue's and the rivals'."""
    round_plays: int
    delay: int
    seed: int
    rivals: tuple[str, ...]


async def evaluate(settings: Settings, log: Log, events: Iterator[tuple[bytes, bytes]], options: Options, steps: Steps) -> dict[str, Any]:
    """The report, as `--json` prints it."""
    in_session = log.session_back >= 0
    reported = in_session & (np.arange(log.n) >= options.eval_from)
    tally = Tally(log, reported)
    with steps("Segue", log.n) as show:
        plan = segue.Plan(options.round_plays, options.delay, options.learn_until)
        cost = await segue.play(seeded(settings, options.seed), log, events, tally, plan, show)
    task = Task(log, options.learn_until, reported, options.seed)
    rivals = {name: _beside(name, task, tally, in_session, steps) for name in options.rivals}
    return {
        "protocol": "next-track",
        "preset": RANKER,
        "seed": options.seed,
        "plays": log.n,
        "users": log.n_users,
        "tracks": log.n_tracks,
        "eval_from": options.eval_from + 1,
        "learn_until": options.learn_until if options.learn_until < log.n else None,
        "round_plays": options.round_plays,
        "delay": options.delay,
        **cost,
        "tested_are": "plays within sessions",
        **_quality(task, tally, reported, in_session),
        "rivals": rivals,
    }


def seeded(settings: Settings, seed: int) -> Settings:
    """Ids hashed with a key of the seed's own: equals are ordered by hash, so each seed orders them another way."""
    return msgspec.structs.replace(
        settings, id_key=f"{settings.id_key[:32]}-{seed}", round_plays_max=max(settings.round_plays_max, 2 * segue.ROUND_PLAYS_MAX)
    )


def _beside(name: str, task: Task, segues: Tally, in_session: Rows, steps: Steps) -> dict[str, Any]:
    """A rival's quality, and how far Segue is ahead of it on the plays that it answers."""
    log, rival, tally = task.log, RIVALS[name](task), Tally(task.log, task.reported)
    with steps(name, log.n) as show:
        for start in range(0, log.n, BLOCK):
            stop = min(start + BLOCK, log.n)
            tally.take(np.arange(start, stop), rival.lists(start, stop))
            show(stop)
    tested = task.reported if rival.answers is None else task.reported & rival.answers
    ahead = differences(segues.rank[tested], tally.rank[tested], log.user[tested], task.seed)
    return {**_quality(task, tally, tested, in_session), "ahead": ahead}


def _quality(task: Task, tally: Tally, tested: Rows, in_session: Rows) -> Mapping[str, Any]:
    found = {"tested": int(tested.sum()), **means(tally.rank[tested])}
    if not np.array_equal(tested, task.reported):
        return found  # a sample, too small to be split
    return {
        **found,
        "whole": {"tested": int(in_session.sum()), **means(tally.rank[in_session])},
        "lists": breadth(task.log, tally.listed),
        "splits": splits(task.log, tally.rank, tested),
    }
