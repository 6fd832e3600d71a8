"""Segue as a contender: the lists that were live before each play, as the real pipeline made them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Final, NamedTuple

import numpy as np

from evaluation.log import Log
from evaluation.tables import codes_of, learn_codes, live_before
from evaluation.tally import NONE, Tally
from evaluation.worker import Worker
from infra.settings import Settings
from online_models.arrays import I32, I64
from online_models.hashmap import new_map
from online_models.plays import APPLIED
from online_models.rank import LENGTH, Lists
from streams.observe import Silent
from streams.round_work import RoundWork

NOBODY_PLAYED: Final = np.zeros(0, np.int64)
KERNELS: Final = ("rank", "learn")
"""Stages that are one kernel and what calls it: a round's test, learn and rank; a round's items into the tracks' rows."""


ROUND_PLAYS_MAX: Final = 500
"""Plays of a round at most: half of what a worker takes at once, for it waits for its tables only when more is held."""


class Plan(NamedTuple):
    """How the log is played."""

    round_plays: int
    """Plays handled together: the tables do not change in between."""
    delay: int
    """The tables lack at least so many plays."""
    learn_until: int
    """Rows before this one teach the tables."""
    fresh_only: bool = False
    """`discover` is tested instead of `next`."""

    def next_round(self, row: int) -> int:
        """Plays of the round that begins with `row`; none is half taught."""
        left = self.learn_until - row
        return min(self.round_plays, left) if left > 0 else self.round_plays


class Watch(Silent):
    """Sees each round's lists as arrays, and how long the kernels took."""

    def __init__(self, log: Log, tally: Tally, fresh_only: bool) -> None:
        self._log, self._tally, self._fresh_only = log, tally, fresh_only
        self.popular: Callable[[], I64] = lambda: NOBODY_PLAYED
        """Hashes of what is most popular, best first."""
        self.kernel_ns = 0
        self.n_refused = 0
        self._codes = new_map(log.n_tracks)
        self._live: I32 = np.full((log.n_users, LENGTH), NONE, np.int32)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """CPU of the kernels."""
        if name not in KERNELS:
            yield
            return
        begun_ns = time.thread_time_ns()
        yield
        self.kernel_ns += time.thread_time_ns() - begun_ns

    def ranked(self, work: RoundWork, lists: Lists) -> None:
        """What was live before each play of the round."""
        rows = np.array([r.row for t in work.taken for r in t.records], np.int64)  # type: ignore[attr-defined]  # evaluation.worker.Sent
        applied = work.out.outcome == APPLIED
        self.n_refused += int(np.count_nonzero(~applied))
        rows, made_at = rows[applied], work.out.row[applied] + int(self._fresh_only)
        learn_codes(*self._codes, work.events.track[applied], self._log.track[rows])
        made = np.empty((len(rows), LENGTH), np.int32)
        codes_of(*self._codes, lists.track[made_at], lists.length[made_at], made)
        live = np.empty_like(made)
        live_before(self._log.user[rows], made, self._live, live)
        live[(live == NONE).all(axis=1)] = self._for_strangers()
        self._tally.take(rows, live)
        if not self._fresh_only:
            self._check(rows, work.out.rank[applied])

    def _for_strangers(self) -> I32:
        """The list of users without one, as `segue recommend` shows it: what is most popular."""
        popular = self.popular()[:LENGTH]
        codes: I32 = np.empty((1, LENGTH), np.int32)
        tracks = np.zeros((1, LENGTH), np.int64)
        tracks[0, : len(popular)] = popular
        codes_of(*self._codes, tracks, np.array([len(popular)], np.int32), codes)
        return codes.reshape(LENGTH)

    def _check(self, rows: I64, tested: I32) -> None:
        """The pipeline tests every play itself; both must say the same."""
        known = tested >= 0
        assert (self._tally.rank[rows[known]] == tested[known]).all(), "the list that was tested is the one that was made"


async def play(
    settings: Settings,
    log: Log,
    events: Iterator[tuple[bytes, bytes]],
    tally: Tally,
    plan: Plan,
    show: Callable[[int], None],
    served: Mapping[str, bytes] | None = None,
) -> Mapping[str, float]:
    """Play the whole log; `events` are (user, event) in its order, `served` is what other workers wrote, by key."""
    watch = Watch(log, tally, plan.fresh_only)
    worker = Worker(settings, watch, plan.delay, served)
    watch.popular = worker.popular
    await worker.open()
    begun_ns, row = time.thread_time_ns(), 0
    try:
        while chunk := list(islice(events, plan.next_round(row))):
            await worker.play([(row + k, *event) for k, event in enumerate(chunk)], tables_learn=row < plan.learn_until)
            row += len(chunk)
            show(row)
    finally:
        await worker.close()
    assert row == log.n, f"{row} events for {log.n} plays"
    took_ns = time.thread_time_ns() - begun_ns
    return {
        "us_per_play": round(watch.kernel_ns / 1_000 / max(1, row), 2),
        "pipeline_us_per_play": round(took_ns / 1_000 / max(1, row), 2),
        "refused": watch.n_refused,
    }
