"""A fault: what stands in a row, what stood there, and whether what is left says so."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, Literal, NamedTuple

from online_models.cleaning.verdicts import Value

Row = dict[str, Any]
"""Field -> what a source wrote."""
Clean = dict[str, Value]
"""Field -> what is true; a field that nobody knows is not in it."""

Look = Literal["value", "name", "credit", "merged", "link"]
"""Where the clean value is to be found: in the field, in the parts of the title or of the artist, among all that the track's rows
say, or as the id that a row is linked to."""
Proof = Literal["itself", "usual", "close", "row"]
"""What gives the value back: the writing itself, the usual writing of a name, a name known well that is one letter away, or
another row of the same track."""


class Damage(NamedTuple):
    """What stands where a clean value stood."""

    value: object
    within: float = 0.0
    """How far a right reading may be from the clean number, because the writing rounds it."""
    clean: Value | None = None
    """What is to be found; None = what stood there."""
    lost: bool = False
    """This writing does not say what stood there, though others of its kind do."""


def number(value: Value) -> float:
    """A clean value that is a number."""
    assert isinstance(value, int | float), "the kind is for fields of numbers"
    return value


class Kind(NamedTuple):
    """One way in which values go wrong."""

    name: str
    fields: tuple[str, ...]
    make: Callable[[Value, str, Random], Damage | None]
    """Clean value, its field, chance -> the damage; None = cannot happen to this value."""
    proof: Proof = "itself"
    look: Look = "value"
    beside: str = ""
    """Another field that it takes: `make` gets both values, this one's first."""
    weight: int = 1
    """Draws: more for kinds that happen to few values, so that enough of them are made."""


class Fault(NamedTuple):
    """A fault that was made."""

    row: int
    """Among the dirty rows."""
    field: str
    kind: str
    dirty: object
    clean: Value
    correctable: bool
    within: float = 0.0
    look: Look = "value"
