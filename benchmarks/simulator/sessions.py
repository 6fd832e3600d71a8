"""When who listens: drawn beforehand, so that every contender meets the same sessions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.random import Generator

DAY_MS: Final = 86_400_000
PER_DAY: Final = (2.0, 0.4)
"""Shape and scale of the Gamma distribution of a listener's sessions a day: 0.8 on average."""
PLAYS: Final = 8.0
"""Mean plays of a session, geometric."""
STEP_MS: Final = 210_000
"""From play to play."""
EVENING_HOUR, HOURS_SD = 18.0, 4.0


class Turn(NamedTuple):
    """A moment in which somebody plays something."""

    at_ms: int
    """From the start of the simulation."""
    user: int
    session: int
    """Number of the user's session."""
    opens: bool
    day: int


def turns(rng: Generator, users: int, days: int) -> list[Turn]:
    """All of them, in order of time; sessions of a user do not overlap."""
    found: list[Turn] = []
    for user in range(users):
        per_day = rng.gamma(*PER_DAY)
        starts = np.sort(np.concatenate([_of_day(rng, day, per_day) for day in range(days)]))
        free_ms = 0
        for session, start in enumerate(starts.tolist()):
            begun = max(int(start), free_ms)
            n = int(rng.geometric(1 / PLAYS))
            found += [Turn(begun + k * STEP_MS, user, session, k == 0, min(begun // DAY_MS, days - 1)) for k in range(n)]
            free_ms = begun + n * STEP_MS + 1
    return sorted(found)


def _of_day(rng: Generator, day: int, per_day: float) -> np.ndarray:
    hours = np.clip(rng.normal(EVENING_HOUR, HOURS_SD, rng.poisson(per_day)), 0.0, 23.9)
    return np.asarray((day + hours / 24) * DAY_MS)


def rounds(all_turns: Iterable[Turn], plays_max: int) -> Iterator[list[Turn]]:
    """Turns that are handled together: nobody has two, for a list decides what is heard next.

    >>> made = rounds([Turn(0, 1, 0, True, 0), Turn(1, 2, 0, True, 0), Turn(2, 1, 0, False, 0)], 10)
    >>> [[turn.user for turn in some] for some in made]
    [[1, 2], [1]]
    """
    some: list[Turn] = []
    for turn in all_turns:
        if len(some) == plays_max or any(turn.user == other.user for other in some):
            yield some
            some = []
        some.append(turn)
    if some:
        yield some
