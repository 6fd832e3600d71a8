"""One round of a throughput benchmark: append a backlog, let a fresh process drain it, measure its middle."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from redis import Redis

from benchmarks import load, meter
from benchmarks.crowd import Crowd, Play
from benchmarks.meter import Span
from benchmarks.processes import child_of, rss_bytes
from benchmarks.rig import crew, module
from benchmarks.rivals.obvious import CANDIDATES_N, HANDLED, handled_key, popular_key
from benchmarks.scrape import Scrape, scrape
from console.redis_door import State
from infra.settings import Settings

LAST_PUBLISH_S: Final = 1.0
"""The cursors are at the end before the last lists are acknowledged."""


class Drained(NamedTuple):
    """What one round of Segue said."""

    n_plays: int
    span: Span
    scraped: Scrape
    rss_bytes: int
    kafka_bytes: dict[str, int]
    redis_in_bytes: int
    redis_cpu_s: float


def n_applied(state: State) -> int:
    """Records below the cursors of all users' partitions."""
    keys = [state.keys.user_cursor(p) for p in range(state.settings.events_partitions)]
    return sum(int(cursor.get("next", b"0")) for cursor in state.hashes(keys))


def segue_round(settings: Settings, plays: Sequence[Play]) -> Drained:
    """Drain `plays` with one plays worker of the product."""
    state = State(settings)
    before = n_applied(state)
    load.produce(settings, plays)
    kafka, redis = load.log_bytes(settings), _redis(state)
    with crew(settings, {"plays": 1}) as workers:
        pid = child_of(workers.children["plays"].pid)
        samples = meter.drain(pid, len(plays), lambda: n_applied(state) - before)
        time.sleep(LAST_PUBLISH_S)
        scraped, rss = scrape(workers.metrics["plays"], settings.namespace), rss_bytes(pid)
    redis_after = _redis(state)
    grown = load.less(load.log_bytes(settings), kafka)
    state.close()
    return Drained(
        n_plays=len(plays),
        span=meter.middle(samples, len(plays)),
        scraped=scraped,
        rss_bytes=rss,
        kafka_bytes=grown,
        redis_in_bytes=int(redis_after[0] - redis[0]),
        redis_cpu_s=redis_after[1] - redis[1],
    )


def know_tracks(settings: Settings, crowd: Crowd) -> None:
    """Tell the obvious build the popular tracks, as a catalogue would: it ranks 1,000 candidates from the first play on."""
    client = Redis.from_url(settings.redis)
    client.zadd(popular_key(settings.namespace), {track: 1 for track in crowd.track_ids[:CANDIDATES_N]})
    client.close()


def rival_round(settings: Settings, plays: Iterable[Play], n: int) -> Span:
    """Drain `n` plays with the obvious build."""
    state = State(settings)
    key = handled_key(settings.namespace)

    def n_handled() -> int:
        return int(state.fields(key, [HANDLED]).get(HANDLED, b"0"))

    before = n_handled()
    load.produce(settings, plays)
    child = module(settings, "benchmarks.rivals.obvious")
    child.start()
    try:
        samples = meter.drain(child.pid, n, lambda: n_handled() - before)
    finally:
        child.stop()
        state.close()
    return meter.middle(samples, n)


def staged_round(settings: Settings, plays: Sequence[Play], read: Callable[[], None]) -> Span:
    """Drain `plays` with a worker that keeps a stopwatch at each stage; `read` is called at its end."""
    state = State(settings)
    before = n_applied(state)
    load.produce(settings, plays)
    child = module(settings, "benchmarks.workers.stages")
    child.start()
    try:
        samples = meter.drain(child.pid, len(plays), lambda: n_applied(state) - before)
        read()
    finally:
        child.stop()
        state.close()
    return meter.middle(samples, len(plays))


def _redis(state: State) -> tuple[float, float]:
    """Bytes that Redis received, and CPU seconds that it used, since it started."""
    cpu = state.server("cpu")
    return float(state.server("stats")["total_net_input_bytes"]), float(cpu["used_cpu_user"]) + float(cpu["used_cpu_sys"])
