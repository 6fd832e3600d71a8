"""CPU time of a process per play, taken over the middle of a run that drains a backlog."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from benchmarks.processes import Threads, cpu_s, threads_s
from console.trouble import Exit, Trouble

EVERY_S: Final = 0.1
STALLED_S: Final = 120.0
WARM_SHARE: Final = 0.3
"""Of the backlog: rows come back from Redis and caches fill."""
TAIL_SHARE: Final = 0.05
"""The last rounds are small."""


class Sample(NamedTuple):
    """What a look found."""

    at_s: float
    n_done: int
    cpu_s: float
    threads: Threads


class Span(NamedTuple):
    """What lies between two looks."""

    n: int
    wall_s: float
    cpu_s: float
    threads: Threads

    @property
    def us_per_play(self) -> float:
        """CPU of the process, all its threads."""
        return 1e6 * self.cpu_s / self.n

    def shown(self) -> dict[str, object]:
        """For the report."""
        return {
            "plays": self.n,
            "us_per_play": round(self.us_per_play, 2),
            "plays_per_cpu_s": round(self.n / self.cpu_s),
            "plays_per_s": round(self.n / self.wall_s),
            "threads_us": {name: round(1e6 * used_s / self.n, 2) for name, used_s in self.threads._asdict().items()},
        }


def look(pid: int, n_done: int) -> Sample:
    """One sample of process `pid`, when `n_done` plays were done."""
    threads = threads_s(pid)
    return Sample(time.monotonic(), n_done, cpu_s(pid), threads)


def drain(pid: int, n_plays: int, n_done: Callable[[], int]) -> list[Sample]:
    """Look at a process until `n_done` says that it handled `n_plays`.

    Raises
    ------
    Trouble : the process ended, or nothing moved for STALLED_S (exit 1)
    """
    samples = [look(pid, n_done())]
    moved_s = time.monotonic()
    while samples[-1].n_done < n_plays:
        time.sleep(EVERY_S)
        samples.append(look(pid, n_done()))
        if samples[-1].n_done != samples[-2].n_done:
            moved_s = time.monotonic()
        if time.monotonic() - moved_s > STALLED_S:
            raise Trouble(
                Exit.FAILURE, f"{n_plays - samples[-1].n_done} plays wait and nothing moved for {STALLED_S:.0f} s", "segue doctor"
            )
    return samples


def middle(samples: Sequence[Sample], n_plays: int) -> Span:
    """The run without its first WARM_SHARE and its last TAIL_SHARE.

    Raises
    ------
    Trouble : the run was too short to have a middle (exit 2)
    """
    kept = [s for s in samples if WARM_SHARE * n_plays <= s.n_done <= (1 - TAIL_SHARE) * n_plays]
    if len(kept) < 2 or kept[-1].n_done == kept[0].n_done or kept[-1].cpu_s == kept[0].cpu_s:
        raise Trouble(Exit.USAGE, f"{n_plays} plays were done too fast to be measured", "segue bench pipeline --plays 100000")
    first, last = kept[0], kept[-1]
    return Span(last.n_done - first.n_done, last.at_s - first.at_s, last.cpu_s - first.cpu_s, last.threads.minus(first.threads))


def median(values: Sequence[float], digits: int = 2) -> float:
    """Rounded for a report."""
    return round(statistics.median(values), digits)
