"""How a demo went, and the line that says so."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec

HR_RATIO_MIN = 2.0
"""The demo is a success only if lists hit at least twice as often as popularity's."""


class Result(msgspec.Struct, frozen=True):
    """How it went; `lost`, `double` and `broken` are the audit's."""

    plays: int
    lists: int
    first_list_s: float
    latency_p50_ms: float | None
    latency_p99_ms: float | None
    hr20: float
    mrr20: float
    popularity_hr20: float
    lost: int
    double: int
    broken: list[str] = []
    """Promises with differences."""

    @property
    def ok(self) -> bool:
        return not self.why()

    def why(self) -> str:
        """What is wrong; "" = nothing."""
        if self.lost or self.double:
            return f"the audit found {self.lost} plays lost and {self.double} counted twice"
        if self.broken:
            return f"the audit found differences in {', '.join(self.broken)}"
        if self.hr20 < HR_RATIO_MIN * self.popularity_hr20 or not self.hr20:
            return f"HR@20 {self.hr20:.4f} is below {HR_RATIO_MIN:g} times popularity's {self.popularity_hr20:.4f}"
        return ""

    def line(self) -> str:
        """The last line of a demo."""
        start = "demo ok" if self.ok else "demo FAILED"
        return (
            f"{start} plays={self.plays} lists={self.lists} first_list_s={self.first_list_s:.1f} hr20={self.hr20:.4f} "
            f"popularity_hr20={self.popularity_hr20:.4f} lost={self.lost} double={self.double}"
        )

    def shown(self) -> dict[str, Any]:
        return {"ok": self.ok, **msgspec.structs.asdict(self)}


def percentiles(values: Sequence[float]) -> tuple[float | None, float | None]:
    """(p50, p99), nearest rank.

    >>> percentiles([1.0, 2.0, 3.0, 4.0])
    (2.0, 4.0)
    """
    if not values:
        return None, None
    ordered = sorted(values)
    return ordered[math.ceil(len(ordered) * 0.5) - 1], ordered[math.ceil(len(ordered) * 0.99) - 1]
