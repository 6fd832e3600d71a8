"""Live prequential quality as it stands in Redis: every play tested against the list that was live before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from console.redis_door import State

PER_MILLION = 1e6
MEASURES = ("plays", "hits", "rr_e6", "popular_hits", "popular_rr_e6", "first_plays", "first_hits")


class Measures(NamedTuple):
    """Whole numbers, so that days and partitions add up exactly.

    `plays` are in-session plays (not the first of their session) with a list live before them;
    `rr_e6` is the sum of reciprocal ranks in millionths; `first_*` are session starts.
    """

    plays: int = 0
    hits: int = 0
    rr_e6: int = 0
    popular_hits: int = 0
    popular_rr_e6: int = 0
    first_plays: int = 0
    first_hits: int = 0

    def plus(self, other: Measures) -> Measures:
        return Measures(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))

    def rates(self) -> dict[str, Any]:
        """Shares in [0, 1]; None where nothing was tested."""
        return {
            "plays": self.plays,
            "hr20": _share(self.hits, self.plays),
            "mrr20": _share(self.rr_e6 / PER_MILLION, self.plays),
            "popularity_hr20": _share(self.popular_hits, self.plays),
            "popularity_mrr20": _share(self.popular_rr_e6 / PER_MILLION, self.plays),
            "session_starts": self.first_plays,
            "session_start_hr20": _share(self.first_hits, self.first_plays),
        }


def by_day(state: State, n_partitions: int) -> dict[str, Measures]:
    """Day of `played_at` (YYYY-MM-DD, UTC) -> sums over all partitions, oldest day first."""
    days: dict[str, Measures] = {}
    for found in state.hashes([state.keys.quality(p) for p in range(n_partitions)]):
        for day, measures in parse(found).items():
            days[day] = days.get(day, Measures()).plus(measures)
    return dict(sorted(days.items()))


def parse(fields: Mapping[str, bytes]) -> dict[str, Measures]:
    """The fields of one quality hash, by day; measures of a later release are passed over.

    >>> parse({"2015-01-20:plays": b"4", "2015-01-20:hits": b"3"})["2015-01-20"].hits
    3
    """
    days: dict[str, dict[str, int]] = {}
    for field, value in fields.items():
        day, _, measure = field.partition(":")
        if measure in MEASURES:
            days.setdefault(day, {})[measure] = int(value)
    return {day: Measures(**values) for day, values in days.items()}


def since(days: Mapping[str, Measures], first_day: str) -> Measures:
    """The sum over `first_day` and later."""
    total = Measures()
    for day, measures in days.items():
        if day >= first_day:
            total = total.plus(measures)
    return total


def recent(state: State, n_partitions: int) -> dict[str, Any]:
    """Rates over the decayed window of about 1,000 plays per partition, weighted by what each window holds."""
    names = ("recent_plays", "recent_hr20", "recent_mrr20", "recent_popular_hr20")
    cursors = state.hashes([state.keys.user_cursor(p) for p in range(n_partitions)])
    rows = [[float(cursor.get(name, b"0") or 0) for name in names] for cursor in cursors]
    plays = sum(row[0] for row in rows)
    means = [_share(sum(row[0] * row[i] for row in rows), plays) for i in (1, 2, 3)]
    return {"plays": round(plays), "hr20": means[0], "mrr20": means[1], "popularity_hr20": means[2]}


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None
