"""The last lessons, kept to be learned again: what a tree is grown from, and what the net repeats."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from online_models.arrays import F32, I8

LESSONS_MAX: Final = 16_384
"""With six genres and all names 16,384 x 74 numbers, 4.8 MB: one part of a snapshot holds them with twelve genres too."""


class Past(NamedTuple):
    """The kept lessons, as kernels take them."""

    x: F32  # (lessons, columns)
    y: I8  # (lessons,)
    n_kept: int
    """Rows that hold a lesson: the first so many."""


class Memory:
    """A ring of lessons.

    Parameters
    ----------
    n_columns: numbers of a lesson at most.
    n_max: lessons; the oldest one makes room.
    """

    def __init__(self, n_columns: int, n_max: int = LESSONS_MAX) -> None:
        self.x: F32 = np.zeros((n_max, n_columns), np.float32)
        self.y: I8 = np.zeros(n_max, np.int8)
        self.n_lessons = 0

    @property
    def n_kept(self) -> int:
        """Lessons that are kept."""
        return min(self.n_lessons, len(self.y))

    def past(self) -> Past:
        """What is kept."""
        return Past(self.x, self.y, self.n_kept)

    def add(self, x: F32, y: int) -> None:
        """Keep a lesson: its columns in use, its genre's number."""
        at = self.n_lessons % len(self.y)
        self.x[at, : len(x)], self.y[at] = x, y
        self.n_lessons += 1
