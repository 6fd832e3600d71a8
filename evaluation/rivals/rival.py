"""What every rival does, and what it is told before it begins."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from evaluation.log import Log
from online_models.arrays import I32


class Task(NamedTuple):
    """A log, and what is asked about it."""

    log: Log
    learn_until: int
    """Rows before this one teach."""
    reported: npt.NDArray[np.bool_]
    """(n,) plays whose lists are reported; a slow rival answers a sample of them."""
    seed: int
    fresh_only: bool = False
    """Lists hold nothing that the user played before."""


class Rival(Protocol):
    """Made for one task; asked for all of its lists, once, in order."""

    @property
    def answers(self) -> npt.NDArray[np.bool_] | None:
        """(n,) plays that it makes lists for; None = all."""
        ...

    def lists(self, start: int, stop: int) -> I32:
        """Lists before each of the plays `start`..`stop` - 1, (stop - start, LENGTH) track codes, -1 = no entry.

        Each list is made before its play is learned.
        """
        ...
