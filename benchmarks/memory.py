"""Memory with 100,000 users and 100,000 tracks: `segue bench memory --json`.

Every user and every track is there, the worker's rows in memory are as many as its settings allow, and each user has
some ten plays. Reported: the worker's resident memory, at rest and at its highest, and what a user and a track take in Redis.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer
from redis import Redis

from benchmarks import load, meter
from benchmarks.crowd import Crowd, Size
from benchmarks.drained import n_applied
from benchmarks.processes import child_of, machine, rss_bytes
from benchmarks.rig import BEGUN_AGO_MS, crew, rig, services_seen
from benchmarks.scrape import scrape
from console.cursors import drain
from console.output import Json, guarded, say, say_json, screen
from console.placing import track_key, user_key
from console.redis_door import State
from online_models.history import new_users
from online_models.presets import PRESETS, Preset
from online_models.track_state import new_tracks
from streams.clock import SystemClock

LISTENING_N: Final = 5_000
FULL: Final[dict[str, Any]] = {"plays": 900_000, "size": Size(100_000, LISTENING_N, 100_000)}
QUICK: Final[dict[str, Any]] = {"plays": 4_000, "size": Size(3_000, 500, 2_000)}
SAMPLED_N: Final = 1_000
REST_S: Final = 3.0
"""A worker that has nothing to do gives memory back within two beats of a second."""


def measure(plays: int, size: Size, seed: int) -> dict[str, Any]:
    """The whole benchmark; the report."""
    crowd = Crowd(seed, SystemClock().now_ms() - BEGUN_AGO_MS, size)
    with rig("bench") as (settings,):
        state = State(settings)
        seen = services_seen(state)
        before = _used_memory(state)
        total = size.users - size.listening + plays
        say(f"producing {total:,} plays")
        load.produce(settings, crowd.census())
        load.produce(settings, crowd.plays(plays))
        with crew(settings, {"plays": 1}) as workers:
            pid = child_of(workers.children["plays"].pid)
            meter.drain(pid, total, lambda: n_applied(state))
            drain(state, lambda left: None)
            time.sleep(REST_S)
            rows = scrape(workers.metrics["plays"], settings.namespace).shown()["rows_in_memory"]
            rss, peak = rss_bytes(pid), _peak_bytes(pid)
            redis_bytes = _used_memory(state) - before
        users, tracks = _samples(crowd, size, seed)
        client = Redis.from_url(settings.redis)
        per_user = _bytes_of(client, [user_key(state, user) for user in users], published="list")
        per_track = _bytes_of(client, [track_key(state, track) for track in tracks])
        client.close()
        state.close()
    return {
        "rss_mb": round(rss / 1e6, 1),
        "rss_peak_mb": round(peak / 1e6, 1),
        "redis_bytes_per_user": per_user,
        "redis_bytes_per_track": per_track,
        "redis_mb": round(redis_bytes / 1e6, 1),
        "rows_in_memory": rows,
        "worker_bytes_per_row": _bytes_per_row(PRESETS[settings.preset]),
        "users": size.users,
        "tracks": size.tracks,
        "plays_per_user": round(total / size.users, 1),
        "services": seen,
        "machine": machine(),
    }


def _used_memory(state: State) -> int:
    return int(state.server("memory")["used_memory"])


def _peak_bytes(pid: int) -> int:
    """The highest resident memory so far; the present one where the system does not tell."""
    status = Path("/proc") / str(pid) / "status"
    lines = status.read_text().splitlines() if status.exists() else []
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM")), rss_bytes(pid))


def _samples(crowd: Crowd, size: Size, seed: int) -> tuple[list[str], list[str]]:
    """Ids of some users and some tracks."""
    rng = np.random.default_rng(seed)
    users = [crowd.user_ids[i].decode() for i in rng.integers(size.users, size=SAMPLED_N).tolist()]
    tracks = [crowd.track_ids[i].decode() for i in rng.integers(size.tracks, size=SAMPLED_N).tolist()]
    return users, tracks


def _bytes_of(client: Any, keys: Sequence[str], published: str = "") -> dict[str, int]:
    """Memory that Redis takes for a key, its name included: mean and largest of those that are there.

    `published`: a field that holds what was published; its mean and that of the rest are told apart.
    """
    pipeline = client.pipeline(transaction=False)
    for key in keys:
        pipeline.memory_usage(key)
        pipeline.hstrlen(key, published)
    said = pipeline.execute()
    found = [(size, length) for size, length in zip(said[::2], said[1::2], strict=True) if size is not None]
    sizes, lengths = zip(*found, strict=True)
    means = {"mean": round(statistics.mean(sizes)), "max": max(sizes), "sampled": len(found)}
    if not published:
        return means
    return {**means, published: round(statistics.mean(lengths)), "learned": means["mean"] - round(statistics.mean(lengths))}


def _bytes_per_row(preset: Preset) -> dict[str, int]:
    """What a row takes in a worker: arrays of so many rows, the second and third tier of what many heard apart."""
    n = 1_000
    users = new_users(n, 0, 0)
    tracks = new_tracks(n, np.zeros(2 * n, np.int64), np.zeros(2 * n, np.int32), preset.neighbours, preset.visits, preset.listeners)
    return {"user": _nbytes(users, n) // n, "track": _nbytes(tracks, n) // n}


def _nbytes(arrays: Any, n: int) -> int:
    """Of all arrays with a place for each of `n` rows, nested ones included."""
    if isinstance(arrays, np.ndarray):
        return arrays.nbytes if len(arrays) == n else 0
    return sum(_nbytes(each, n) for each in arrays)


@guarded
def main(
    plays: Annotated[int, typer.Option(min=1_000, help="Plays after the first one of everybody.")] = FULL["plays"],
    users: Annotated[int, typer.Option(min=1_000)] = FULL["size"].users,
    tracks: Annotated[int, typer.Option(min=1_000)] = FULL["size"].tracks,
    seed: Annotated[int, typer.Option()] = 1,
    quick: Annotated[bool, typer.Option("--quick", help="Small sizes: whether it runs, not how much.")] = False,
    as_json: Json = False,
) -> None:
    """Memory of a worker and of Redis with many users and tracks."""
    sizes: dict[str, Any] = QUICK if quick else {"plays": plays, "size": Size(users, min(LISTENING_N, users), tracks)}
    report = measure(**sizes, seed=seed)
    if as_json:
        say_json(report)
    else:
        screen().print(table(report), markup=False)


def table(report: dict[str, Any]) -> str:
    """For people."""
    rows, user = report["worker_bytes_per_row"], report["redis_bytes_per_user"]
    return (
        f"{report['users']:,} users, {report['tracks']:,} tracks, {report['plays_per_user']} plays each\n"
        f"worker: {report['rss_mb']} MB resident, {report['rss_peak_mb']} MB at most\n"
        f"  a row in memory: {rows['user']} bytes of a user, {rows['track']} of a track\n"
        f"Redis: {user['mean']} bytes per user ({user['list']} of them the list pair), {report['redis_bytes_per_track']['mean']} per track"
    )


if __name__ == "__main__":
    typer.run(main)
