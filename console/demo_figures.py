"""The demo's figures while it runs: counts, latencies, and hit rates in all and of the last seconds."""

from __future__ import annotations

from collections import deque
from itertools import takewhile
from typing import NamedTuple

from console.demo_markov import Tally
from console.demo_result import percentiles
from console.demo_view import Rates
from console.measures import Measures

WINDOW_S = 5.0
"""Rates, latency and the recent hit rates are of the last five seconds."""


class Past(NamedTuple):
    """The counts as they were at `at_s`."""

    at_s: float
    plays: int
    lists: int
    measures: Measures
    markov: Tally


class Pace(NamedTuple):
    """Of the last `WINDOW_S`: per second, and in ms."""

    plays_per_s: float
    lists_per_s: float
    latency_p50_ms: float | None
    latency_p99_ms: float | None


class Figures:
    """Counts and their recent past. Times are the monotonic clock's, in s."""

    def __init__(self) -> None:
        self.n_plays = self.n_lists = 0
        self.measures = Measures()
        self.markov = Tally()
        self.history: list[float] = []
        """HR@20 of the last seconds, once per measurement."""
        self._latencies: deque[tuple[float, float]] = deque(maxlen=200_000)
        self._past: deque[Past] = deque()

    def listed(self, now_s: float, latency_ms: float) -> None:
        """The list of a play came."""
        self.n_lists += 1
        self._latencies.append((now_s, latency_ms))

    def measured(self, now_s: float, measures: Measures, markov: Tally) -> None:
        """Sums over everything so far, as they stand now."""
        self.measures, self.markov = measures, markov
        self._past.append(Past(now_s, self.n_plays, self.n_lists, measures, markov))
        while len(self._past) > 1 and now_s - self._past[0].at_s > WINDOW_S:
            self._past.popleft()
        recent = self.now().segue
        if recent is not None:
            self.history.append(recent)

    def in_all(self) -> Rates:
        """Hit rates since the start."""
        return _rates(self.measures, self.markov)

    def now(self) -> Rates:
        """Hit rates of the last seconds."""
        if not self._past:
            return Rates()
        then = self._past[0]
        plays, hits = self.markov.plays - then.markov.plays, self.markov.hits - then.markov.hits
        return _rates(Measures(*(now - before for now, before in zip(self.measures, then.measures, strict=True))), Tally(plays, hits))

    def latencies(self) -> tuple[float | None, float | None]:
        """(p50, p99) in ms over everything that is kept."""
        return percentiles([latency for _, latency in self._latencies])

    def pace(self, now_s: float, begun_s: float) -> Pace:
        """How fast it goes."""
        then = self._past[0] if self._past else Past(begun_s, 0, 0, Measures(), Tally())
        window_s = max(now_s - then.at_s, 0.1)
        newest = takewhile(lambda each: now_s - each[0] <= WINDOW_S, reversed(self._latencies))
        p50, p99 = percentiles([latency for _, latency in newest])
        return Pace((self.n_plays - then.plays) / window_s, (self.n_lists - then.lists) / window_s, p50, p99)


def _rates(measures: Measures, markov: Tally) -> Rates:
    rates = measures.rates()
    return Rates(rates["hr20"], markov.hits / markov.plays if markov.plays else None, rates["popularity_hr20"])
