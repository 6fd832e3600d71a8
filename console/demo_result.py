"""How a demo went, and the line that says so."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec

HR_RATIO_MIN = 2.0
"""The demo is a success only if lists hit at least twice as often as popularity's."""


class Effect(msgspec.Struct, frozen=True):
    """What a skip or a block did to the next list; places count from 1 in `next`, and None is "not in it"."""

    act: str
    user_id: str
    track_id: str
    title: str
    place_before: int
    place_after: int | None
    ms: float | None
    """From the sending to the list that answers it; None = no list did."""

    def short(self) -> str:
        """
        >>> Effect("skip", "ana", "t1", "Cold Fire", 2, None, 41.3).short()
        '2->gone,41ms'
        """
        return "unanswered" if self.ms is None else f"{self.place_before}->{self.place_after or 'gone'},{self.ms:.0f}ms"

    def told(self) -> str:
        """A sentence for people."""
        if self.ms is None:
            return f"{self.act} of {self.title} (place {self.place_before}): no list answers it"
        after = "it is gone" if self.place_after is None else f"it is at place {self.place_after}"
        return f"{self.act} of {self.title} (place {self.place_before}): {after} in the next list, {self.ms:.0f} ms later"


class Result(msgspec.Struct, frozen=True):
    """How it went; `lost`, `double` and `broken` are the audit's."""

    plays: int
    lists: int
    first_list_s: float
    latency_p50_ms: float | None
    latency_p99_ms: float | None
    hr20: float
    mrr20: float
    markov_hr20: float
    popularity_hr20: float
    lost: int
    double: int
    broken: list[str] = []
    """Promises with differences."""
    skip: Effect | None = None
    """None: the demo was too short for it."""
    block: Effect | None = None
    blocked_listed: int = 0
    """Lists of the same listener after the block that hold the blocked track all the same."""
    new_shown: int = 0
    """People whom lists showed a track that had come out unnoticed, over all such tracks."""
    new_played: int = 0
    """People who played one."""

    @property
    def ok(self) -> bool:
        return not self.why()

    def why(self) -> str:
        """What is wrong; "" = nothing."""
        if self.lost or self.double:
            return f"the audit found {self.lost} plays lost and {self.double} counted twice"
        if self.broken:
            return f"the audit found differences in {', '.join(self.broken)}"
        if self.blocked_listed and self.block is not None:
            return f"{self.block.user_id} blocked {self.block.track_id}, and {self.blocked_listed} later lists hold it"
        unanswered = [effect.act for effect in (self.skip, self.block) if effect is not None and effect.ms is None]
        if unanswered:
            return f"no list answers the {' and the '.join(unanswered)}"
        if self.hr20 < HR_RATIO_MIN * self.popularity_hr20 or not self.hr20:
            return f"HR@20 {self.hr20:.4f} is below {HR_RATIO_MIN:g} times popularity's {self.popularity_hr20:.4f}"
        return ""

    def line(self) -> str:
        """The last line of a demo."""
        start = "demo ok" if self.ok else "demo FAILED"
        return (
            f"{start} plays={self.plays} lists={self.lists} first_list_s={self.first_list_s:.1f} hr20={self.hr20:.4f} "
            f"markov_hr20={self.markov_hr20:.4f} popularity_hr20={self.popularity_hr20:.4f} "
            f"new_shown={self.new_shown} new_played={self.new_played} "
            f"skip_effect={_short(self.skip)} block_effect={_short(self.block)} lost={self.lost} double={self.double}"
        )

    def shown(self) -> dict[str, Any]:
        return {"ok": self.ok, **msgspec.structs.asdict(self)}


def _short(effect: Effect | None) -> str:
    return "none" if effect is None else effect.short()


def percentiles(values: Sequence[float]) -> tuple[float | None, float | None]:
    """(p50, p99), nearest rank.

    >>> percentiles([1.0, 2.0, 3.0, 4.0])
    (2.0, 4.0)
    """
    if not values:
        return None, None
    ordered = sorted(values)
    return ordered[math.ceil(len(ordered) * 0.5) - 1], ordered[math.ceil(len(ordered) * 0.99) - 1]
