"""What a plays worker tells about itself: counters and latencies per round, never per play."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

import numpy as np

from infra.metrics import Metrics
from online_models.rank import Lists
from streams.partitions import UserPartition
from streams.round_work import Made, RoundWork


class Observer(Protocol):
    """Told at each step of a round."""

    def stage(self, name: str) -> AbstractContextManager[None]: ...
    def ranked(self, work: RoundWork, lists: Lists) -> None: ...
    def applied(self, landed: list[Made]) -> None: ...
    def published(self, landed: list[Made], now_ms: int) -> None: ...
    def folded(self, applied: int, skipped: int) -> None: ...
    def fenced(self, side: str) -> None: ...
    def claimed(self, side: str) -> None: ...
    def rows(self, users: int, tracks: int, loads: Mapping[str, int]) -> None: ...


class Silent:
    """For simulations and pure runs."""

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        yield

    def ranked(self, work: RoundWork, lists: Lists) -> None:
        """Nothing."""

    def applied(self, landed: list[Made]) -> None:
        """Nothing."""

    def published(self, landed: list[Made], now_ms: int) -> None:
        """Nothing."""

    def folded(self, applied: int, skipped: int) -> None:
        """Nothing."""

    def fenced(self, side: str) -> None:
        """Nothing."""

    def claimed(self, side: str) -> None:
        """Nothing."""

    def rows(self, users: int, tracks: int, loads: Mapping[str, int]) -> None:
        """Nothing."""


class Measured:
    """Feeds the metrics endpoint."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Wall time of a stage."""
        begun_s = time.perf_counter()
        yield
        self._metrics.observe("round_stage_seconds", time.perf_counter() - begun_s, stage=name)

    def ranked(self, work: RoundWork, lists: Lists) -> None:
        """Nothing: what was tested is counted with the round that stands."""

    def applied(self, landed: list[Made]) -> None:
        """Counts of a round that stands."""
        m = self._metrics
        counted = np.zeros(4, np.int64)
        n_plays = 0
        for made in landed:
            batch = made.taken.batch
            counted += made.counted
            n_plays += len(batch.kind)
            for rejection in batch.rejections:
                m.count("events_rejected_total", 1, reason=rejection.reason)
            for decision in made.decided:
                m.count("drift_alarms_total", 1, model=decision.model)
        applied, duplicate, private, _ = counted.tolist()
        m.count("events_applied_total", applied)
        m.count("events_duplicate_total", duplicate)
        m.count("events_private_total", private)
        m.observe("round_plays", float(n_plays))
        self._quality([made.taken.partition for made in landed])

    def _quality(self, partitions: list[UserPartition]) -> None:
        recent = np.array([p.recent for p in partitions])
        plays = recent[:, 0].sum() if len(recent) else 0.0
        if plays:
            hr, mrr, popular = ((recent[:, 0] * recent[:, k]).sum() / plays for k in (1, 2, 3))
            self._metrics.set("prequential_hr20", hr, list="next")
            self._metrics.set("prequential_mrr20", mrr)
            self._metrics.set("popular_hr20", popular)

    def published(self, landed: list[Made], now_ms: int) -> None:
        """Lists acknowledged by the broker."""
        self._metrics.count("lists_published_total", sum(m.n_lists for m in landed))
        stamps = [r.timestamp for m in landed for r in m.taken.records]
        self._metrics.observe("event_to_list_seconds", (now_ms - np.array(stamps, np.float64)) / 1000)

    def folded(self, applied: int, skipped: int) -> None:
        """Delta items."""
        self._metrics.count("deltas_applied_total", applied)
        self._metrics.count("deltas_skipped_total", skipped)

    def fenced(self, side: str) -> None:
        """A refused apply."""
        self._metrics.count("fenced_total", 1, side=side)

    def claimed(self, side: str) -> None:
        """A claim."""
        self._metrics.count("claims_total", 1, side=side)

    def rows(self, users: int, tracks: int, loads: Mapping[str, int]) -> None:
        """Rows in memory, and how many were read since the last call."""
        self._metrics.set("rows_in_memory", users, kind="user")
        self._metrics.set("rows_in_memory", tracks, kind="track")
        for kind, n in loads.items():
            self._metrics.count("row_loads_total", n, kind=kind)
