"""What a member of the ensemble is."""

from __future__ import annotations

from typing import Any, Protocol

import numpy.typing as npt

from online_models.arrays import F32, F64

Arrays = dict[str, npt.NDArray[Any]]


class Member(Protocol):
    """Learns one lesson at a time; its state lies in arrays whose shapes never change."""

    def learn_one(self, x: F32, y: int, n_genres: int) -> None:
        """Learn that `x`, the columns in use, were of genre `y` of `n_genres`. The memory already holds the lesson."""
        ...

    def say_one(self, x: F32, n_genres: int, p: F64) -> None:
        """Fill `p[:n_genres]` with probabilities; leaves no trace."""
        ...

    def is_sound(self) -> bool:
        """Whether finite numbers that were written into the arrays can be used: indexes lie inside them."""
        ...

    def arrays(self) -> Arrays:
        """All state, by name; writing into the arrays restores it."""
        ...
