"""What every learning model promises; `checks.py` holds each one to it."""

from __future__ import annotations

import hashlib
import math
import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, ClassVar, Final, NamedTuple, Protocol, Self, runtime_checkable

import numpy as np

VALUE_MAX: Final = 1e4
"""Largest absolute feature value that may teach: one lesson of 1e30 would bend a running variance for ever."""
WEIGHT_MIN: Final = 1e-3
WEIGHT_MAX: Final = 1e4
"""A lesson's weight is 1 / (its sender's sampling rate); far smaller ones would vanish beside the mean, or divide by it."""


class Lesson(NamedTuple):
    """One lesson, as a model learns it: what was seen, what came true, for how many it stands."""

    x: Mapping[str, Any]
    y: Any
    w: float = 1.0


class BadLesson(ValueError):
    """This lesson may not teach; `reason` is one of a closed set, the message says what was seen."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(f"{reason}: {message}")


class BadSnapshot(ValueError):
    """These parts are not a snapshot that this build can go on from; rebuild from the lessons."""


class Model(Protocol):
    """A model that learns one lesson at a time. `learn_one` is the only verb that changes it."""

    n_lessons: int
    """Lessons learned since its beginning."""

    def __init__(self) -> None: ...

    def learn_one(self, x: Mapping[str, Any], y: Any, w: float = 1.0, /) -> None:
        """Learn. Raises `BadLesson`, and then nothing has changed."""
        ...

    def predict_one(self, x: Mapping[str, Any], /) -> Any:
        """Probability that `y` is true, in (0, 1); where there are several labels, that of each by label. Leaves no trace."""
        ...

    def snapshot(self) -> dict[str, bytes]:
        """Named parts, plain data: JSON and little-endian arrays. Same state, same bytes."""
        ...

    @classmethod
    def restore(cls, parts: Mapping[str, bytes]) -> Self:
        """The model that made `parts`; it goes on bit-equally. Raises `BadSnapshot`."""
        ...

    def serving(self, version: int) -> bytes:
        """JSON: all that a plays worker needs to predict."""
        ...

    def scores(self) -> dict[str, float | str]:
        """Prequential measures by name, for the manifest and the metrics."""
        ...


class Registered(Model, Protocol):
    """A model that a worker runs (`registry.py`)."""

    schema: ClassVar[int]
    """Version of its snapshot's layout; another one is refused, and the model learns its lessons again."""

    @property
    def champion(self) -> str:
        """Who answers; a change is a decision that is published."""
        ...


class Happening(NamedTuple):
    """Something that a model decided by itself."""

    what: str
    """Value of `decision`."""
    about: str
    """Tells it from others of the same lesson."""
    detail: dict[str, int | float | str]


class News(NamedTuple):
    """What a lesson made known."""

    happened: list[Happening]
    about: dict[str, bytes]
    """By what a lesson was about, JSON for whoever looks it up: this lesson's, or others' that are seen anew."""


@runtime_checkable
class Telling(Protocol):
    """A model that speaks by itself: of more decisions than who its champion is, or of what others look up."""

    def take_news(self) -> News:
        """What happened since it was last taken. It is no part of a snapshot: whoever learns takes it after each lesson."""
        ...


def refuse_bad(x: Mapping[str, float], w: float) -> None:
    """Raises `BadLesson` for a value that is not finite or out of range: one NaN is for ever."""
    for name, value in x.items():
        if not math.isfinite(value):
            raise BadLesson("not-finite", f"{name}={value}")
        if abs(value) > VALUE_MAX:
            raise BadLesson("range", f"{name}={value} is beyond {VALUE_MAX}")
    if not math.isfinite(w):
        raise BadLesson("not-finite", f"weight={w}")
    if not WEIGHT_MIN <= w <= WEIGHT_MAX:
        raise BadLesson("weight", f"weight={w} is not in [{WEIGHT_MIN}, {WEIGHT_MAX}]")


def built_with() -> dict[str, str]:
    """Versions of what a model's numbers depend on, for the manifest."""
    # Not by importing River: a plays worker reads this file too, and has no use for 60 MB.
    return {"river": version("river"), "numpy": np.__version__, "python": platform.python_version()}


def digest(parts: Mapping[str, bytes]) -> str:
    """sha256 over names, lengths and bytes, in order of names.

    >>> digest({"a": b"1", "b": b""}) == digest({"b": b"", "a": b"1"}) != digest({"a": b"", "b": b"1"})
    True
    """
    total = hashlib.sha256()
    for name in sorted(parts):
        total.update(f"{name}:{len(parts[name])}\n".encode())
        total.update(parts[name])
    return total.hexdigest()
