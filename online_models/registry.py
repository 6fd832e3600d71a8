"""Which models learn from lessons, and from which partition of the lessons topic.

A partition belongs to one model for ever: an old lesson read by a new model would teach it nonsense.
To change what a model's features or labels mean, retire its line and add a new one.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from online_models.finish import FinishModel
from online_models.model import Model


class Entry(NamedTuple):
    """One learning model: its name, its lessons partition, its class."""

    name: str
    partition: int
    kind: type[Model]


MODELS: Final[tuple[Entry, ...]] = (Entry("finish", 0, FinishModel),)

RETIRED: Final[tuple[tuple[str, int], ...]] = ()
"""(name, partition) of models that are gone; neither is ever given out again."""


def entry(name: str) -> Entry:
    """The model called `name`. Raises `KeyError` that lists the known ones."""
    for found in MODELS:
        if found.name == name:
            return found
    raise KeyError(f"no model {name!r}; there are {[known.name for known in MODELS]}")


def by_partition(partition: int) -> Entry | None:
    """The model that learns from this lessons partition; None when none does (yet)."""
    return next((found for found in MODELS if found.partition == partition), None)
