"""From an event to its list, readable from the topic, beside an echo app: `segue bench latency --json`.

One worker, 8 partitions, plays at 200/s and 1,000/s. The echo app (benchmarks/workers/echo.py) has the same transport, the same
producer and values of the same size. Each runs alone on the machine, in turn, in one run; figures are medians of the
rounds, ratios are taken within a round.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Annotated, Any, Final, Literal, NamedTuple

import numpy as np
import typer

from benchmarks.crowd import Crowd, Size
from benchmarks.load import produce
from benchmarks.meter import median
from benchmarks.primed import pair_bytes, prime
from benchmarks.probe import Probe
from benchmarks.processes import child_of, cpu_s, machine
from benchmarks.rig import BEGUN_AGO_MS, crew, module, rig, services_seen
from benchmarks.scrape import scrape
from console.output import Json, guarded, say, say_json, screen
from console.redis_door import State
from infra.settings import Settings
from streams.clock import SystemClock

Who = Literal["segue", "echo"]
RATES: Final = (200, 1_000)
FULL: Final[dict[str, Any]] = {"seconds": 60.0, "rounds": 3, "primed": 100_000, "warm_s": 10.0, "warm_plays": 20_000}
"""`warm_plays` are drained before a run: each of 5,000 listeners played four times, so their rows are in memory."""
QUICK: Final[dict[str, Any]] = {"seconds": 4.0, "rounds": 1, "primed": 3_000, "warm_s": 2.0, "warm_plays": 2_000}


class Answerer(NamedTuple):
    """A process that answers plays; `metrics_port` 0 = it has no metrics."""

    pid: int
    metrics_port: int


@contextmanager
def answering(who: Who, settings: Settings, n_bytes: int) -> Iterator[Answerer]:
    """The worker or the echo app, alone."""
    if who == "segue":
        with crew(settings, {"plays": 1}) as workers:
            yield Answerer(child_of(workers.children["plays"].pid), workers.metrics["plays"])
        return
    child = module(settings, "benchmarks.workers.echo", str(n_bytes))
    child.start()
    try:
        yield Answerer(child.pid, 0)
    finally:
        child.stop()


class Bench:
    """The cells of the benchmark: who answers, at which rate."""

    def __init__(
        self, settings: dict[Who, Settings], crowd: Crowd, n_bytes: int, warm_plays: int, warm_s: float, seconds: float, seed: int
    ) -> None:
        self._settings, self._n_bytes, self._warm_s, self._seconds, self._seed = settings, n_bytes, warm_s, seconds, seed
        self._warm_plays = warm_plays
        self._plays = iter(lambda: next(crowd.plays(1)), None)

    def cell(self, who: Who, rate: int, number: int) -> dict[str, Any]:
        """Start, warm up, measure, end. Both get the same arrival times in the same round."""
        settings = self._settings[who]
        rng = np.random.default_rng((self._seed, rate, number))
        if who == "segue":
            # A worker that runs for longer than a minute has its rows in memory: it drains a backlog first.
            produce(settings, islice(self._plays, self._warm_plays))
        with answering(who, settings, self._n_bytes) as it, Probe(settings) as probe:
            probe.wait_ready(self._plays)
            heard = probe.drive(self._plays, rate, self._warm_s, self._seconds, rng, lambda: cpu_s(it.pid))
            shown: dict[str, Any] = heard.shown()
            if it.metrics_port:
                shown |= scrape(it.metrics_port, settings.namespace).a_round()
        figures = f"p50 {shown['p50_ms']} ms, p99 {shown['p99_ms']} ms, {100 * heard.cpu_share:.0f} % of a core"
        say(f"round {number + 1}, {rate}/s, {who}: {figures}")
        return shown


def measure(seconds: float, rounds: int, primed: int, warm_plays: int, warm_s: float, seed: int) -> dict[str, Any]:
    """The whole benchmark; the report."""
    crowd = Crowd(seed, SystemClock().now_ms() - BEGUN_AGO_MS, Size())
    with rig("bench", 2) as (settings, echo_settings):
        state = State(settings)
        seen = services_seen(state)
        state.close()
        past = list(crowd.plays(primed))
        say(f"priming with {primed:,} plays")
        served = prime(settings, past)
        n_bytes = pair_bytes(settings, past)["bytes"]
        bench = Bench({"segue": settings, "echo": echo_settings}, crowd, n_bytes, warm_plays, warm_s, seconds, seed)
        cells: dict[tuple[Who, int], list[dict[str, Any]]] = {}
        for number in range(rounds):
            for rate in RATES:
                for who in _in_turn(number):
                    cells.setdefault((who, rate), []).append(bench.cell(who, rate, number))
    return {
        **{str(rate): _figures(cells["segue", rate], cells["echo", rate]) for rate in RATES},
        "cores": machine()["cores"],
        "partitions": settings.events_partitions,
        "workers": 1,
        "pair_bytes": n_bytes,
        "finish_model_served": served,
        "seconds_per_round": seconds,
        "fetch_wait_ms": settings.fetch_wait_ms,
        "services": seen,
        "machine": machine(),
    }


def _in_turn(number: int) -> tuple[Who, ...]:
    """Who is first changes from round to round: a machine that slows down favours nobody."""
    return ("segue", "echo") if number % 2 == 0 else ("echo", "segue")


def _figures(mine: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> dict[str, Any]:
    """Medians over the rounds; the rounds themselves behind them."""

    def ratio(name: str) -> float:
        return median([a[name] / b[name] for a, b in zip(mine, theirs, strict=True)], 2)

    def middle(rounds: list[dict[str, Any]], name: str, digits: int = 1) -> float:
        return median([shown[name] for shown in rounds], digits)

    return {
        "p50_ratio": ratio("p50_ms"),
        "p99_ratio": ratio("p99_ms"),
        "p50_ms": middle(mine, "p50_ms"),
        "p95_ms": middle(mine, "p95_ms"),
        "p99_ms": middle(mine, "p99_ms"),
        "echo_p50_ms": middle(theirs, "p50_ms"),
        "echo_p95_ms": middle(theirs, "p95_ms"),
        "echo_p99_ms": middle(theirs, "p99_ms"),
        "cpu_share": middle(mine, "cpu_share", 3),
        "echo_cpu_share": middle(theirs, "cpu_share", 3),
        "unanswered": sum(shown["unanswered"] for shown in mine),
        "rounds": {"segue": mine, "echo": theirs},
    }


@guarded
def main(
    seconds: Annotated[float, typer.Option(min=1, help="Measured seconds of each run.")] = FULL["seconds"],
    rounds: Annotated[int, typer.Option(min=1)] = FULL["rounds"],
    primed: Annotated[int, typer.Option(min=1_000, help="Plays before the first run.")] = FULL["primed"],
    seed: Annotated[int, typer.Option()] = 1,
    quick: Annotated[bool, typer.Option("--quick", help="Small sizes: whether it runs, not how fast.")] = False,
    as_json: Json = False,
) -> None:
    """Latency from event to list at two rates, beside an echo app on the same transport."""
    asked = {"seconds": seconds, "rounds": rounds, "primed": primed}
    sizes = QUICK if quick else FULL | asked
    report = measure(**sizes, seed=seed)
    if as_json:
        say_json(report)
    else:
        screen().print(table(report), markup=False)


def table(report: dict[str, Any]) -> str:
    """For people."""
    lines = [f"{report['cores']} cores, {report['partitions']} partitions, one worker, lists of {report['pair_bytes']} bytes"]
    for rate in map(str, RATES):
        r = report[rate]
        lines.append(
            f"{rate:>5}/s: p50 {r['p50_ms']} ms = {r['p50_ratio']} x echo, p99 {r['p99_ms']} ms = {r['p99_ratio']} x echo,"
            f" {100 * r['cpu_share']:.0f} % of a core"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    typer.run(main)
