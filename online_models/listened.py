"""A listening lesson, read: what `counts` and `segments` learn from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from online_models.lesson_formats import ENDINGS, ERASED, HEARD_OUT, UNKNOWN
from online_models.model import WEIGHT_MAX, WEIGHT_MIN, BadLesson

HASH: Final = 1 << 64
AT_MS_MAX: Final = 1 << 43
"""The year 2248."""
SECONDS_MAX: Final = 1e7
PLAYS_MAX: Final = 1e9
BOUNDS: Final[dict[str, tuple[float, float]]] = {
    "event": (0, HASH - 1),
    "user": (0, HASH - 1),
    "track": (0, HASH - 1),
    "at_ms": (0, AT_MS_MAX),
    "seconds": (-1, SECONDS_MAX),
    "length_s": (0, SECONDS_MAX),
    "track_plays": (0, PLAYS_MAX),
    "track_finishes": (0, PLAYS_MAX),
    "source": (0, 65_535),
    "is_new": (0, 1),
}
"""Fields of a lesson and what they may be, bounds included; as in `lesson_formats.LISTENED`."""
RELATIVE_WINDOW: Final = 1_000
"""Lessons over which the mean weight is taken."""
RELATIVE_MAX: Final = 10.0


class Listened(NamedTuple):
    """One play of a sampled user, or that they were erased."""

    event: int
    """xxh3 of the event's id."""
    user: int
    track: int
    """Keyed hashes, as signed 64-bit integers."""
    at_ms: int
    source: int
    seconds: float | None
    """Heard; None = not told."""
    length_s: float | None
    """None = not known."""
    track_plays: float
    track_finishes: float
    """What all listeners did with the track before."""
    is_new: bool
    ended: int

    @property
    def finished(self) -> bool | None:
        """Heard out; None = nobody can say."""
        return None if self.ended == UNKNOWN else self.ended == HEARD_OUT

    @property
    def erased(self) -> bool:
        """The user wants to be forgotten."""
        return self.ended == ERASED


def read(x: Mapping[str, Any], y: Any, w: float) -> Listened:
    """The lesson. Raises `BadLesson` for values that are not finite or out of `BOUNDS`, for another label or weight."""
    for name, value in x.items():
        low, high = BOUNDS.get(name, (-math.inf, math.inf))
        if not low <= value <= high or not math.isfinite(value):
            raise BadLesson("range" if math.isfinite(value) else "not-finite", f"{name}={value} is not in [{low}, {high}]")
    if y not in ENDINGS:
        raise BadLesson("label", f"{y!r} is none of {ENDINGS}")
    if not WEIGHT_MIN <= w <= WEIGHT_MAX:
        raise BadLesson("weight", f"weight={w} is not in [{WEIGHT_MIN}, {WEIGHT_MAX}]")
    return asked(x)._replace(ended=int(y))


def asked(x: Mapping[str, Any]) -> Listened:
    """What `x` asks about, whatever is in it: absent fields are 0, and what is out of bounds stands at them."""
    event, user, track, at_ms, seconds, length_s, plays, finishes, source, is_new = (
        min(max(x.get(name, 0), low), high) for name, (low, high) in BOUNDS.items()
    )
    return Listened(
        event=int(event),
        user=_signed(int(user)),
        track=_signed(int(track)),
        at_ms=int(at_ms),
        source=int(source),
        seconds=float(seconds) if seconds >= 0 else None,
        length_s=float(length_s) if length_s > 0 else None,
        track_plays=float(plays),
        track_finishes=float(finishes),
        is_new=bool(is_new),
        ended=UNKNOWN,
    )


def _signed(value: int) -> int:
    """
    >>> _signed(5), _signed(2**64 - 1)
    (5, -1)
    """
    return value - HASH if value >= HASH // 2 else value


class Relative:
    """Weights relative to their decayed mean: a sender that samples one user in ten teaches at the same pace.

    >>> relative = Relative()
    >>> [relative.of(10.0), relative.of(10.0), relative.of(20.0)]
    [1.0, 1.0, 1.5]
    """

    def __init__(self, mean: float = 1.0, n: int = 0) -> None:
        self.mean, self.n = mean, n

    def of(self, w: float) -> float:
        """`w` over the mean, and the mean moved on."""
        self.n = min(self.n + 1, RELATIVE_WINDOW)
        self.mean += (w - self.mean) / self.n
        return min(w / self.mean, RELATIVE_MAX)
