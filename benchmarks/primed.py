"""A namespace with a past: users with histories, tracks with tables, a finish model that is served."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from typing import Final

from benchmarks.crowd import Play
from benchmarks.load import produce
from benchmarks.rig import crew
from console.cursors import drain
from console.placing import user_key
from console.redis_door import State
from infra.settings import Settings
from streams.short_lists import published

MODEL_S: Final = 60.0
"""Patience for a first finish model; without one, lists have no `finish` and the report says so."""
SAMPLED_LISTS_N: Final = 500


def prime(settings: Settings, plays: Sequence[Play]) -> bool:
    """Give users a past and tracks their tables, and wait for a first finish model; says whether one came."""
    produce(settings, plays)
    state = State(settings)
    with crew(settings, {"plays": 1, "models": 1}) as workers:
        workers.wait_ready()
        drain(state, lambda left: None)
        deadline_s = time.monotonic() + MODEL_S
        while not (served := state.text(state.keys.serving("finish")) is not None) and time.monotonic() < deadline_s:
            workers.check()
            time.sleep(0.5)
    state.close()
    return served


def pair_bytes(settings: Settings, plays: Sequence[Play]) -> dict[str, int]:
    """Mean size of the lists that are live now: as published, and as they stand in Redis."""
    state = State(settings)
    users = list(dict.fromkeys(play.key.decode() for play in plays[-SAMPLED_LISTS_N:]))
    lists = [state.fields(user_key(state, user), ["list"])["list"] for user in users]
    state.close()
    return {
        "bytes": round(statistics.mean(len(published(short)) for short in lists)),
        "bytes_in_redis": round(statistics.mean(map(len, lists))),
    }
