"""Would the list that was live have held the next play? Segue and its rivals, each play tested before it is learned.

`next-track`: plays that do not open their session, on the last fifth of the log and on all of it; repeats are allowed.
`flurs` (the protocol of FluRS' notebooks): ratings of 5 are the plays; the first 30 % only teach; then each is tested against
the items met so far without those that its user knows. A user's first play has no list, and counts as a miss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from itertools import pairwise
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

Rows = npt.NDArray[np.bool_]
CURVE_PARTS: Final = 20
BLOCK: Final = 2_000
"""Plays for which a rival makes its lists at once."""

Steps = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Shows progress: what, of how many; the manager gives what is to be told how many are done."""


class Protocol(NamedTuple):
    """What is asked of the lists."""

    last_share: float
    """Share of the log that is reported, unless a row is told."""
    only: str
    """COLUMN=VALUE of the rows that are plays; "" = all."""
    session_is_user: bool
    """For the rivals: the file has no sessions."""
    fresh_only: bool
    """Lists are `discover`, without what the user knows, and every play is tested."""
    tested_are: str


PROTOCOLS: Final = {
    "next-track": Protocol(0.2, "", False, False, "plays within sessions"),
    "flurs": Protocol(0.7, "rating=5", True, True, "ratings of 5"),
}


class Options(NamedTuple):
    """What is measured, and how the log is played."""

    protocol: str
    eval_from: int
    """Rows from here on (0-based) are reported."""
    learn_until: int
    """Rows before this one teach tables, Segue's and the rivals', and the ranker's weights."""
    round_plays: int
    delay: int
    seed: int
    rivals: tuple[str, ...]
    explore_share: float = 0.0
    """Of the places of `discover`; measures are of the best list unless it is asked for."""


async def evaluate(settings: Settings, log: Log, events: Iterator[tuple[bytes, bytes]], options: Options, steps: Steps) -> dict[str, Any]:
    """The report, as `--json` prints it."""
    rules = PROTOCOLS[options.protocol]
    asked = (log.session_back >= 0) | rules.fresh_only
    reported = asked & (np.arange(log.n) >= options.eval_from)
    tally = Tally(log, reported)
    with steps("Segue", log.n) as show:
        plan = segue.Plan(options.round_plays, options.delay, options.learn_until, rules.fresh_only)
        played = msgspec.structs.replace(seeded(settings, options.seed), explore_share=options.explore_share)
        cost = await segue.play(played, log, events, tally, plan, show)
    task = Task(log, options.learn_until, reported, options.seed, rules.fresh_only)
    rivals = {name: _beside(name, task, tally, asked, steps) for name in options.rivals}
    return {
        "protocol": options.protocol,
        "preset": settings.preset,
        "explore_share": options.explore_share,
        "seed": options.seed,
        "plays": log.n,
        "users": log.n_users,
        "tracks": log.n_tracks,
        "eval_from": options.eval_from + 1,
        "learn_until": options.learn_until if options.learn_until < log.n else None,
        "round_plays": options.round_plays,
        "delay": options.delay,
        **cost,
        "tested_are": rules.tested_are,
        **_quality(task, tally, reported, asked),
        "rivals": rivals,
    }


def seeded(settings: Settings, seed: int) -> Settings:
    """Ids hashed with a key of the seed's own: equals are ordered by hash, so each seed orders them another way."""
    return msgspec.structs.replace(
        settings, id_key=f"{settings.id_key[:32]}-{seed}", round_plays_max=max(settings.round_plays_max, 2 * segue.ROUND_PLAYS_MAX)
    )


def _beside(name: str, task: Task, segues: Tally, asked: Rows, steps: Steps) -> dict[str, Any]:
    """A rival's quality, and how far Segue is ahead of it on the plays that it answers."""
    log, rival, tally = task.log, RIVALS[name](task), Tally(task.log, task.reported)
    with steps(name, log.n) as show:
        for start in range(0, log.n, BLOCK):
            stop = min(start + BLOCK, log.n)
            tally.take(np.arange(start, stop), rival.lists(start, stop))
            show(stop)
    tested = task.reported if rival.answers is None else task.reported & rival.answers
    ahead = differences(segues.rank[tested], tally.rank[tested], log.user[tested], task.seed)
    return {**_quality(task, tally, tested, asked), "ahead": _named(ahead, task)}


def _quality(task: Task, tally: Tally, tested: Rows, asked: Rows) -> Mapping[str, Any]:
    found = {"tested": int(tested.sum()), **_named(means(tally.rank[tested]), task)}
    if not np.array_equal(tested, task.reported):
        return found  # a sample, too small to be split
    return {
        **found,
        "whole": {"tested": int(asked.sum()), **_named(means(tally.rank[asked]), task)},
        "curve": _curve(task, tally, asked),
        "lists": breadth(task.log, tally.listed),
        "splits": splits(task.log, tally.rank, tested),
    }


def _curve(task: Task, tally: Tally, asked: Rows) -> list[dict[str, Any]]:
    """The learning curve: quality within each part of the log, up to and with row `until`."""
    cuts = np.linspace(0, task.log.n, CURVE_PARTS + 1).astype(int)
    parts = [(int(a), int(b)) for a, b in pairwise(cuts)]
    return [{"until": b, **means(tally.rank[a:b][asked[a:b]])} for a, b in parts]


def _named(found: Mapping[str, Any], task: Task) -> dict[str, Any]:
    """With one right item a hit among ten is what FluRS calls recall."""
    return {**({"recall10": found["hr10"]} if task.fresh_only and "hr10" in found else {}), **found}
