"""What every rival does."""

from __future__ import annotations

from typing import Protocol

from online_models.arrays import I32


class Rival(Protocol):
    """Made for one log; asked for all of its lists, once, in order."""

    def lists(self, start: int, stop: int) -> I32:
        """Lists before each of the plays `start`..`stop` - 1, (stop - start, LENGTH) track codes, -1 = no entry.

        Each list is made before its play is learned.
        """
        ...
