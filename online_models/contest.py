"""Two models, one serves: the better one by prequential log-loss over a decayed window, with hysteresis."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

WINDOW: Final = 2_000.0
"""Lessons after which a loss counts 1/e: long enough to tell losses 1 % apart, short enough to follow a drift."""
MARGIN: Final = 0.01
"""Share by which a challenger's loss must be smaller: below it the two serve people equally well."""
REIGN_MIN: Final = 500
"""Lessons a champion serves at least, so that an early lead of luck does not swing lists to and fro."""
REOPENED_MIN: Final = 100
"""Lessons that a contest waits after it was opened anew: both rivals learn what is new, the champion leads no longer."""
CERTAINTY: Final = 1e-3
"""Probabilities are held in [CERTAINTY, 1 - CERTAINTY]: a leaf that saw one class only must not cost an infinite loss."""


def held(p: float) -> float:
    """`p` held in [CERTAINTY, 1 - CERTAINTY].

    >>> held(0.0), held(0.25)
    (0.001, 0.25)
    """
    return min(max(p, CERTAINTY), 1.0 - CERTAINTY)


def log_loss(p: float, y: bool) -> float:
    """Loss in nats of having said `p` (0 < p < 1) when `y` came true or not."""
    return -math.log(p if y else 1.0 - p)


class Contest:
    """Decayed mean loss of each rival, and who serves.

    Parameters
    ----------
    rivals: names; the first one is champion until another earns it.
    """

    def __init__(self, rivals: Sequence[str]) -> None:
        self.losses = dict.fromkeys(rivals, 0.0)
        self.weight = 0.0
        self.champion = rivals[0]
        self.reign = 0

    def mean_loss(self, name: str) -> float:
        """Decayed mean log-loss in nats; ln 2 (a coin) before the first lesson."""
        return self.losses[name] / self.weight if self.weight else math.log(2.0)

    def judge_one(self, said: Mapping[str, float], y: bool, w: float) -> None:
        """Count what each rival said *before* it learned this lesson, and crown the winner."""
        keep = 1.0 - 1.0 / WINDOW
        for name in self.losses:
            self.losses[name] = self.losses[name] * keep + w * log_loss(said[name], y)
        self.weight = self.weight * keep + w
        self.reign += 1
        self._crown()

    def reopen(self) -> None:
        """Forget all losses, for they are of another time: who is better from now on may take over soon."""
        self.losses = dict.fromkeys(self.losses, 0.0)
        self.weight = 0.0
        self.reign = min(self.reign, REIGN_MIN - REOPENED_MIN)

    def _crown(self) -> None:
        best = min(self.losses, key=lambda name: (self.losses[name], name))
        if self.reign >= REIGN_MIN and self.losses[best] < self.losses[self.champion] * (1.0 - MARGIN):
            self.champion, self.reign = best, 0

    def state(self) -> dict[str, Any]:
        """Plain data; `from_state` goes on from it."""
        return {"losses": self.losses, "weight": self.weight, "champion": self.champion, "reign": self.reign}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], rivals: Sequence[str]) -> Self:
        """Raises `KeyError` when the state is of other rivals."""
        contest = cls(rivals)
        contest.losses = {name: state["losses"][name] for name in rivals}
        contest.weight, contest.champion, contest.reign = state["weight"], state["champion"], state["reign"]
        if contest.champion not in contest.losses:
            raise KeyError(contest.champion)
        return contest
