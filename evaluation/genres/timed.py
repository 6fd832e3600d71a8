"""A member of the ensemble, and how much CPU it takes."""

from __future__ import annotations

from time import thread_time

from online_models.arrays import F32, F64
from online_models.genres.members import Arrays, Member


class Timed:
    """Does what the member does, and adds up its time."""

    def __init__(self, member: Member) -> None:
        self._member = member
        self.spent_s = 0.0

    def learn_one(self, x: F32, y: int, n_genres: int) -> None:
        """See `Member`."""
        began_s = thread_time()
        self._member.learn_one(x, y, n_genres)
        self.spent_s += thread_time() - began_s

    def say_one(self, x: F32, n_genres: int, p: F64) -> None:
        """See `Member`."""
        began_s = thread_time()
        self._member.say_one(x, n_genres, p)
        self.spent_s += thread_time() - began_s

    def is_sound(self) -> bool:
        """See `Member`."""
        return self._member.is_sound()

    def arrays(self) -> Arrays:
        """See `Member`."""
        return self._member.arrays()
