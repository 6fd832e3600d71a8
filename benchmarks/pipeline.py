"""CPU of a worker per play, drained from a backlog on a real Kafka and a real Redis: `segue bench pipeline --json`.

One list pair per play, everything included: consume, decode, learn, rank 20 + 20, fenced apply, acknowledged publish,
the tracks' side. Rounds of Segue and of the obvious build (benchmarks/rivals/) alternate in one run, so the ratio holds
on a machine whose speed changes. A last round with a stopwatch inside the worker says where the time goes.
"""

from __future__ import annotations

import statistics
from typing import Annotated, Any, Final

import typer

from benchmarks.crowd import Crowd, Play, Size, users_per_500
from benchmarks.drained import Drained, know_tracks, rival_round, segue_round, staged_round
from benchmarks.meter import TAIL_SHARE, WARM_SHARE, Span, median
from benchmarks.primed import pair_bytes, prime
from benchmarks.processes import decode_us, machine
from benchmarks.rig import BEGUN_AGO_MS, rig, services_seen
from benchmarks.workers import stages
from console.output import Json, guarded, say, say_json, screen
from console.redis_door import State
from console.trouble import Exit, Trouble
from infra.settings import Settings
from streams.clock import SystemClock

FULL: Final = {"plays": 100_000, "primed": 150_000, "rival_plays": 400, "rounds": 5}
QUICK: Final = {"plays": 6_000, "primed": 3_000, "rival_plays": 300, "rounds": 1}
CALIBRATED_ON_N: Final = 10_000


def measure(plays: int, primed: int, rival_plays: int, rounds: int, seed: int) -> dict[str, Any]:
    """The whole benchmark; the report."""
    crowd = Crowd(seed, SystemClock().now_ms() - BEGUN_AGO_MS, Size())
    with rig("bench", 2) as (settings, rival_settings):
        seen = services_seen(State(settings))
        first = list(crowd.plays(primed))
        say(f"priming with {primed:,} plays")
        served = prime(settings, first)
        know_tracks(rival_settings, crowd)
        ours: list[Drained] = []
        theirs: list[Span] = []
        pace: list[float] = []
        for number in range(rounds):
            backlog = list(crowd.plays(plays))
            pace.append(decode_us(backlog[:CALIBRATED_ON_N]))
            ours.append(segue_round(settings, backlog))
            theirs.append(rival_round(rival_settings, backlog[:rival_plays], rival_plays))
            say(
                f"round {number + 1} of {rounds}: {ours[-1].span.us_per_play:.1f} us per play ({pace[-1]:.2f} us to decode one),"
                f" the obvious build {theirs[-1].us_per_play:,.0f}"
            )
        backlog = list(crowd.plays(plays))
        staged = _staged(settings, backlog)
    return {
        **_figures(ours, theirs),
        "finish_model_served": served,
        "users_per_500_plays": round(users_per_500(backlog), 1),
        "event_bytes": round(statistics.mean(len(play.value) for play in backlog)),
        "decode_us": [round(us, 3) for us in pace],
        "stages": staged,
        "rounds": [_shown(ours_, theirs_) for ours_, theirs_ in zip(ours, theirs, strict=True)],
        "load": {"plays": plays, "primed": primed, "rival_plays": rival_plays, "seed": seed, **crowd.size._asdict()},
        "settings": {
            "lessons_rate": settings.lessons_rate,
            "listening_rate": settings.listening_rate,
            "round_plays_max": settings.round_plays_max,
        },
        "services": seen,
        "machine": machine(),
    }


def _figures(ours: list[Drained], theirs: list[Span]) -> dict[str, Any]:
    """The headline: medians over rounds, and the best round."""
    us, rival_us = [it.span.us_per_play for it in ours], [span.us_per_play for span in theirs]
    n = sum(it.n_plays for it in ours)
    kafka: dict[str, int] = {}
    for it in ours:
        for topic, size in it.kafka_bytes.items():
            kafka[topic] = kafka.get(topic, 0) + size
    kafka.pop("events", None)
    return {
        "plays_per_cpu_s": round(1e6 / statistics.median(us)),
        "plays_per_cpu_s_best": round(1e6 / min(us)),
        "ratio_to_rival": median([rival / mine for mine, rival in zip(us, rival_us, strict=True)], 1),
        "lists_per_play": round(sum(it.scraped.lists for it in ours) / sum(it.scraped.plays for it in ours), 4),
        "us_per_play": {"min": round(min(us), 2), "median": median(us)},
        "rival_us_per_play": {"min": round(min(rival_us)), "median": round(statistics.median(rival_us))},
        "redis_bytes_per_play": round(sum(it.redis_in_bytes for it in ours) / n),
        "redis_cpu_us_per_play": round(1e6 * sum(it.redis_cpu_s for it in ours) / n, 2),
        "kafka_bytes_per_play": {topic: round(size / n, 1) for topic, size in kafka.items() if size > 0},
        "rows": ours[-1].scraped.shown(),
        "rss_mib": round(max(it.rss_bytes for it in ours) / 2**20),
    }


def _shown(ours: Drained, theirs: Span) -> dict[str, object]:
    return {"segue": {**ours.span.shown(), **ours.scraped.shown()}, "rival": theirs.shown()}


def _staged(settings: Settings, backlog: list[Play]) -> dict[str, object]:
    """Where the time goes: us of CPU per play and stage, from a worker with a stopwatch."""
    notes: list[stages.Note] = []
    span = staged_round(settings, backlog, lambda: notes.extend(stages.read_notes(stages.notes_path(settings.data_dir))))
    n = len(backlog)
    kept = [note for note in notes if WARM_SHARE * n <= note.plays <= (1 - TAIL_SHARE) * n]
    if len(kept) < 2:
        raise Trouble(Exit.USAGE, f"{n} plays were done too fast to be divided into stages", "segue bench pipeline --plays 100000")
    first, last = kept[0], kept[-1]

    def per_play(after: dict[str, float], before: dict[str, float]) -> dict[str, float]:
        us = {name: 1000 * (ms - before.get(name, 0.0)) / (last.plays - first.plays) for name, ms in after.items()}
        return {name: round(value, 2) for name, value in sorted(us.items(), key=lambda pair: -pair[1])}

    main_us = per_play(last.stages, first.stages)
    pair_us = main_us.get("learn and rank", 0.0) + main_us.get("lists as JSON", 0.0)
    return {
        "us_per_play_with_stopwatch": round(span.us_per_play, 2),
        "main_thread_us": main_us,
        "other_threads_us": per_play(last.threads, first.threads),
        "list_pair": {"us": round(pair_us, 2), "us_as_json": main_us.get("lists as JSON", 0.0), **pair_bytes(settings, backlog)},
    }


@guarded
def main(
    plays: Annotated[int, typer.Option(min=1_000, help="Backlog of one round.")] = FULL["plays"],
    primed: Annotated[int, typer.Option(min=1_000, help="Plays before the first round.")] = FULL["primed"],
    rival_plays: Annotated[int, typer.Option(min=20, help="Backlog of the obvious build.")] = FULL["rival_plays"],
    rounds: Annotated[int, typer.Option(min=1)] = FULL["rounds"],
    seed: Annotated[int, typer.Option()] = 1,
    quick: Annotated[bool, typer.Option("--quick", help="Small sizes: whether it runs, not how fast.")] = False,
    as_json: Json = False,
) -> None:
    """CPU per play of a worker that drains a backlog, beside the obvious build."""
    sizes = QUICK if quick else {"plays": plays, "primed": primed, "rival_plays": rival_plays, "rounds": rounds}
    report = measure(**sizes, seed=seed)
    if as_json:
        say_json(report)
    else:
        screen().print(table(report), markup=False)


def table(report: dict[str, Any]) -> str:
    """For people."""
    us, staged = report["us_per_play"], report["stages"]
    pair = staged["list_pair"]
    lines = [
        f"{report['plays_per_cpu_s']:,} plays per CPU-second ({us['median']} us per play, best round {us['min']})",
        f"{report['ratio_to_rival']:,} x the obvious build ({report['rival_us_per_play']['median']:,} us per play)",
        f"{report['lists_per_play']} list pairs per play, {pair['bytes']} bytes each, {pair['bytes_in_redis']} in Redis",
        "us of CPU per play by stage (main thread):",
        *(f"  {name:<26}{value:6.2f}" for name, value in staged["main_thread_us"].items()),
        "other threads:",
        *(f"  {name:<26}{value:6.2f}" for name, value in staged["other_threads_us"].items()),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    typer.run(main)
