"""What a chaos run will do, decided before it begins, from one seed, and printed."""

from __future__ import annotations

from random import Random
from typing import Final, Literal

import msgspec

Target = Literal["worker", "fail-point", "supervisor", "models"]

GAP_S: Final = (8.0, 10.0)
"""Time between two kills, at least and at most."""
FAIL_POINTS: Final = ("before-apply", "applied-not-published", "published-not-acked")
SUPERVISOR_KILLS_MAX: Final = 3
MORE_EVERY: Final = 10
"""Every so many kills a whole supervisor dies as well (once at least, three times at most), and the models worker."""
SUPERVISORS: Final = ("a", "b")


class Kill(msgspec.Struct, frozen=True):
    """One kill.

    Parameters
    ----------
    after_s: seconds after the kill before it, at least
    target: what dies; of `fail-point`, whoever comes by first
    victim: the supervisor whose worker dies ("" where chance decides in the worker)
    point: name of the fail point
    delay_ms: how deep into the burst of plays
    """

    after_s: float
    target: Target
    victim: str = ""
    point: str = ""
    delay_ms: int = 0


def plan_kills(n_kills: int, seed: int) -> list[Kill]:
    """`n_kills` kills of plays workers, a third of them at fail points, and among them those of supervisors and the models worker.

    >>> from collections import Counter
    >>> sorted(Counter(kill.target for kill in plan_kills(40, 7)).items())
    [('fail-point', 14), ('models', 4), ('supervisor', 3), ('worker', 26)]
    """
    rng = Random(seed)
    kills = [_fail_point(rng, n) for n in range(-(-n_kills // 3))]
    kills += [_worker(rng) for _ in range(n_kills - len(kills))]
    rng.shuffle(kills)
    for _ in range(max(1, min(SUPERVISOR_KILLS_MAX, n_kills // MORE_EVERY))):
        kills.insert(rng.randrange(len(kills) + 1), _more(rng, "supervisor", rng.choice(SUPERVISORS)))
    for _ in range(n_kills // MORE_EVERY):
        kills.insert(rng.randrange(len(kills) + 1), _more(rng, "models", "models"))
    return kills


def _after_s(rng: Random) -> float:
    return round(rng.uniform(*GAP_S), 2)


def _worker(rng: Random) -> Kill:
    return Kill(_after_s(rng), "worker", rng.choice(SUPERVISORS), delay_ms=rng.randrange(120))


def _fail_point(rng: Random, n: int) -> Kill:
    """The points take turns, so that each is hit as often as the others."""
    return Kill(_after_s(rng), "fail-point", point=FAIL_POINTS[n % len(FAIL_POINTS)])


def _more(rng: Random, target: Target, victim: str) -> Kill:
    return Kill(_after_s(rng), target, victim, delay_ms=rng.randrange(120))
