"""docs/benchmarks.md from the reports: ratios first, because they hold on other machines too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

HEAD: Final = """# Benchmarks

Written by `make bench` (`segue bench all`) on the machine named below, with a real Kafka and a real Redis (append-only file on)
as processes of their own on the same cores. Ratios come from one run in which both sides alternate; absolute figures are this machine's.
"""


def document(reports: Mapping[str, Any]) -> str:
    """The whole text."""
    pipeline, latency, memory = reports["pipeline"], reports["latency"], reports["memory"]
    return "\n".join((HEAD, _machine(pipeline), _pipeline(pipeline), _latency(latency), _memory(memory)))


def _rows(head: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"


def _machine(report: Mapping[str, Any]) -> str:
    m = report["machine"]
    return f"Machine: {m['cores']} cores of {m['cpu']}, {m['memory_gib']} GiB, {m['system']}, Python {m['python']}.\n"


def _pipeline(r: Mapping[str, Any]) -> str:
    us, rival, staged, load = r["us_per_play"], r["rival_us_per_play"], r["stages"], r["load"]
    pair = staged["list_pair"]
    kafka = ", ".join(f"{topic} {size}" for topic, size in r["kafka_bytes_per_play"].items())
    head = f"""## CPU per play (`segue bench pipeline`)

A backlog of {load["plays"]:,} plays of {r["event_bytes"]} bytes per round, {load["users"]:,} users of whom {load["listening"]:,} listen at
once ({r["users_per_500_plays"]} users among 500 plays in a row), {load["tracks"]:,} tracks, {len(r["rounds"])} rounds of each side in turn.
Counted: CPU time of the worker process, all its threads, over the middle of each round, per play, with everything from the fetch to the
acknowledged list. The obvious build (`benchmarks/rivals/`): stock Faust agent, River's BiasedMF over 1,000 candidates, redis-py per event;
{load["rival_plays"]:,} plays per round.
"""
    figures: list[tuple[object, ...]] = [
        ("ratio to the obvious build", f"**{r['ratio_to_rival']} x**"),
        ("list pairs per play", r["lists_per_play"]),
        ("plays per CPU-second", f"{r['plays_per_cpu_s']:,} (best round {r['plays_per_cpu_s_best']:,})"),
        ("CPU per play, median / best round", f"{us['median']} / {us['min']} us"),
        ("the obvious build, median / best round", f"{rival['median']:,} / {rival['min']:,} us"),
        ("how fast the machine was: decoding one event alone, round by round", f"{', '.join(f'{us:.2f}' for us in r['decode_us'])} us"),
        ("list pair: size, in Redis; ranking and writing it", f"{pair['bytes']} bytes, {pair['bytes_in_redis']}; {pair['us']} us"),
        ("to Redis, with its own CPU", f"{r['redis_bytes_per_play']:,} bytes, {r['redis_cpu_us_per_play']} us"),
        ("to Kafka", f"{kafka} bytes"),
        ("user rows found in memory", f"{100 * r['rows']['user_hit_rate']:.1f} %, {r['rows']['rows_in_memory']['users']:,} rows"),
    ]
    stages = [(name, value) for name, value in staged["main_thread_us"].items()]
    threads = [(f"thread: {name}", value) for name, value in staged["other_threads_us"].items()]
    return (
        "\n".join(
            (head, _rows(("what", "figure"), figures), "Where the time goes, in one more round with a stopwatch inside the worker:\n")
        )
        + "\n"
        + _rows(("stage", "us per play"), [*stages, *threads])
    )


def _latency(r: Mapping[str, Any]) -> str:
    head = f"""## From event to list (`segue bench latency`)

One worker, {r["partitions"]} partitions, {r["cores"]} cores for everything; from just before an event is produced until its list is
read from the topic; a fetch waits {r["fetch_wait_ms"]} ms. The echo app has the same transport, the same producer
and values of the same size ({r["pair_bytes"]} bytes).
Each alone on the machine, in turn, {r["seconds_per_round"]:.0f} s each; medians of {len(r["200"]["rounds"]["segue"])} rounds.
"""
    rows: list[tuple[object, ...]] = []
    for rate in ("200", "1000"):
        at = r[rate]
        rows.append(
            (
                f"{rate}/s",
                f"**{at['p50_ratio']} x**, **{at['p99_ratio']} x**",
                f"{at['p50_ms']} / {at['p95_ms']} / {at['p99_ms']}",
                f"{at['echo_p50_ms']} / {at['echo_p95_ms']} / {at['echo_p99_ms']}",
                f"{100 * at['cpu_share']:.0f} %",
                f"{100 * at['echo_cpu_share']:.0f} %",
            )
        )
    columns = ("rate", "ratio at p50, p99", "Segue p50 / p95 / p99, ms", "echo p50 / p95 / p99, ms", "worker, of a core", "echo, of a core")
    return "\n".join((head, _rows(columns, rows)))


def _memory(r: Mapping[str, Any]) -> str:
    head = f"""## Memory (`segue bench memory`)

{r["users"]:,} users and {r["tracks"]:,} tracks, {r["plays_per_user"]} plays per user; the worker's settings are the defaults.
"""
    rows: list[tuple[object, ...]] = [
        ("worker, resident / highest", f"{r['rss_mb']} / {r['rss_peak_mb']} MB"),
        ("rows in memory", f"{r['rows_in_memory']['users']:,} users, {r['rows_in_memory']['tracks']:,} tracks"),
        ("Redis per user, mean / largest", f"{r['redis_bytes_per_user']['mean']:,} / {r['redis_bytes_per_user']['max']:,} bytes"),
        ("Redis per track, mean / largest", f"{r['redis_bytes_per_track']['mean']:,} / {r['redis_bytes_per_track']['max']:,} bytes"),
        ("Redis in all", f"{r['redis_mb']:,} MB"),
    ]
    return "\n".join((head, _rows(("what", "figure"), rows)))
