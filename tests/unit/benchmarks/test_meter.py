"""The middle of a run, and the stopwatch inside a worker."""

from __future__ import annotations

import asyncio
import time

import pytest

from benchmarks.meter import Sample, middle
from benchmarks.processes import Threads
from benchmarks.workers.stages import TRACKS, Stopwatch
from console.trouble import Trouble


def sample(n_done: int, cpu_s: float) -> Sample:
    return Sample(float(n_done), n_done, cpu_s, Threads(cpu_s, 0.0, 0.0))


def test_a_slow_start_and_a_slow_end_do_not_count() -> None:
    samples = [sample(0, 0.0), sample(300, 9.0), sample(600, 9.3), sample(940, 9.64), sample(1_000, 20.0)]
    span = middle(samples, 1_000)
    assert span.n == 640
    assert span.us_per_play == pytest.approx(1_000)


def test_a_run_without_a_middle_is_refused() -> None:
    with pytest.raises(Trouble, match="too fast"):
        middle([sample(0, 0.0), sample(1_000, 1.0)], 1_000)


def burn(ms: float) -> None:
    end_ns = time.thread_time_ns() + int(ms * 1e6)
    while time.thread_time_ns() < end_ns:
        pass


def test_a_stage_inside_another_is_taken_out_of_it() -> None:
    watch = Stopwatch()
    inner = watch.function("inner", lambda: burn(20))

    def outer() -> None:
        burn(10)
        inner()

    watch.function("outer", outer)()
    assert watch.ns["inner"] == pytest.approx(20e6, rel=0.5)
    assert watch.ns["outer"] == pytest.approx(10e6, rel=0.5)


def test_what_the_tracks_side_calls_belongs_to_it() -> None:
    watch = Stopwatch()
    apply = watch.function("apply", lambda: burn(10))
    watch.function(TRACKS, apply)()
    assert watch.ns["apply"] == 0
    assert watch.ns[TRACKS] == pytest.approx(10e6, rel=0.5)


async def test_what_others_do_while_a_coroutine_waits_is_theirs() -> None:
    watch = Stopwatch()

    async def waits() -> str:
        burn(10)
        await asyncio.sleep(0.01)
        burn(10)
        return "done"

    async def others() -> None:
        await asyncio.sleep(0)
        burn(50)

    answer, _ = await asyncio.gather(watch.coroutine("stage", waits)(), others())
    assert answer == "done"
    assert watch.ns["stage"] == pytest.approx(20e6, rel=0.5)


async def test_a_cancelled_stage_ends_and_leaves_the_stopwatch_whole() -> None:
    watch = Stopwatch()
    task = asyncio.ensure_future(watch.coroutine("stage", lambda: asyncio.sleep(10))())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    watch.function("after", lambda: burn(5))()
    assert watch.ns["after"] == pytest.approx(5e6, rel=0.5)
