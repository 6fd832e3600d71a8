"""Who makes the lists: the real plays worker, told and asked as a service would, or what everybody plays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

import msgspec
import numpy as np

from benchmarks.simulator.screen import PLACES, Shown
from benchmarks.simulator.sessions import DAY_MS
from benchmarks.simulator.tracks import F64, I64
from evaluation.contest import seeded
from evaluation.worker import Worker
from infra.settings import Settings
from streams.observe import Silent

POPULAR_HALFLIFE_DAYS: Final = 7.0


class Heard(NamedTuple):
    """A play, as it is told to who makes the lists."""

    user: int
    track: int
    at_ms: int
    """From the start of the simulation."""
    event: bytes
    """As it is sent to `events`."""


class Contender(Protocol):
    """Makes lists in a closed loop."""

    async def open(self) -> None: ...
    async def close(self) -> None: ...

    async def hear(self, plays: Sequence[Heard]) -> list[Shown]:
        """What each one's listener sees from now on; everybody has one play at most."""
        ...


class Popular:
    """The most played tracks, plays fading by half in a week; in `discover` without what the listener knows."""

    def __init__(self, users: int, tracks: int) -> None:
        self._weight: F64 = np.zeros(tracks)
        self._known = np.zeros((users, tracks), np.bool_)

    async def open(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Nothing to do."""

    async def hear(self, plays: Sequence[Heard]) -> list[Shown]:
        """Count, then list."""
        for play in plays:
            # Counts grow instead of all others shrinking; the span of a simulation is far from what a float holds.
            self._weight[play.track] += 2.0 ** (play.at_ms / DAY_MS / POPULAR_HALFLIFE_DAYS)
            self._known[play.user, play.track] = True
        return [Shown((self._best(self._weight), self._best(np.where(self._known[play.user], 0.0, self._weight)))) for play in plays]

    def _best(self, weight: F64) -> I64:
        n = min(PLACES, int(np.count_nonzero(weight)))
        best = np.argpartition(-weight, n - 1)[:n] if n else np.zeros(0, np.int64)
        return best[np.lexsort((best, -weight[best]))]


class _Entry(msgspec.Struct, gc=False):
    track_id: str


class _Lists(msgspec.Struct, gc=False):
    recommendation_id: str
    user_id: str
    next: list[_Entry]
    discover: list[_Entry]


class Segue:
    """The plays worker in this process, over a store and an outbox that keep the contracts of Redis and Kafka.

    Parameters
    ----------
    log: takes the published lists as they are; None = they are looked at and forgotten.
    """

    def __init__(self, settings: Settings, seed: int, log: list[bytes] | None = None) -> None:
        self._worker = Worker(seeded(settings, seed), Silent())
        self._decode = msgspec.json.Decoder(_Lists).decode
        self._log, self._n = log, 0

    async def open(self) -> None:
        """Claim everything."""
        await self._worker.open()

    async def close(self) -> None:
        """Stop its tasks."""
        await self._worker.close()

    async def hear(self, plays: Sequence[Heard]) -> list[Shown]:
        """One round."""
        events = [(self._n + k, user_id(play.user).encode(), play.event) for k, play in enumerate(plays)]
        self._n += len(plays)
        values = [out.value for out in await self._worker.play(events, tables_learn=True) if out.value is not None]
        if self._log is not None:
            self._log += values
        by_user = {lists.user_id: lists for lists in map(self._decode, values)}
        return [_shown(by_user[user_id(play.user)]) for play in plays]


def _shown(lists: _Lists) -> Shown:
    return Shown((_numbers(lists.next), _numbers(lists.discover)), lists.recommendation_id)


def _numbers(entries: list[_Entry]) -> I64:
    return np.array([int(entry.track_id[1:]) for entry in entries], np.int64)


def user_id(user: int) -> str:
    """How a listener is called outside."""
    return f"u{user}"


def track_id(track: int) -> str:
    """How a track is called outside."""
    return f"t{track}"
