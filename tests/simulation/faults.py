"""What can go wrong, where it can strike, and a count of how often it did."""

from __future__ import annotations

from collections import Counter
from random import Random

FAULTS = ("crash", "duplicate", "zombie", "lost reply", "rollback", "flush", "gap", "re-cut", "aborted")
"""Columns of the coverage table.

crash : the process ends here
duplicate : a producer sends some of the last events again
zombie : the process freezes, others take its partitions over and go on, then it wakes and does not know
lost reply : the request, or its reply, or the acknowledgement is lost; the caller sends the same again
rollback : Redis becomes what it was earlier, the users' and the tracks' side by different amounts
flush : Redis is empty
gap : retention deletes records, read or not
re-cut : later fetches return chunks of another size
aborted : a transaction is aborted and another committed: holes in the offsets
"""

STEPS = (
    "fetch",
    "found",
    "claim",
    "claimed",
    "load",
    "apply users",
    "users applied",
    "publish",
    "half published",
    "published",
    "apply tracks",
    "tracks applied",
    "watch",
)
"""Rows: where a worker stands when the fault strikes. "apply" is before Redis has done it, "applied" after it, "half published"
when some of a round's records have landed, "published" when all have and none is acknowledged."""

HITS_MIN = 20
"""Each cell, over all worlds of one run."""


class Plan:
    """The faults of one world: the `n`-th time that any worker comes to `step`, `fault` strikes."""

    def __init__(self, strikes: dict[tuple[str, int], str]) -> None:
        self._strikes = strikes
        self._visits: Counter[str] = Counter()
        self.struck: list[tuple[str, str]] = []
        """(fault, step) in the order they happened."""

    @classmethod
    def of(cls, rng: Random, n_max: int = 3) -> Plan:
        strikes: dict[tuple[str, int], str] = {}
        for _ in range(rng.randint(1, n_max)):
            step = rng.choice(STEPS)
            strikes[step, rng.randint(1, VISITS_MAX[step])] = rng.choice(FAULTS)
        return cls(strikes)

    def visit(self, step: str) -> str:
        """The fault that strikes now, "" for none."""
        self._visits[step] += 1
        fault = self._strikes.pop((step, self._visits[step]), "")
        if fault:
            self.struck.append((fault, step))
        return fault

    @property
    def planned(self) -> set[str]:
        """Faults still to come."""
        return set(self._strikes.values())


VISITS_MAX = {
    "fetch": 40,
    "found": 6,
    "claim": 8,
    "claimed": 8,
    "load": 30,
    "apply users": 10,
    "users applied": 10,
    "publish": 10,
    "half published": 10,
    "published": 10,
    "apply tracks": 6,
    "tracks applied": 6,
    "watch": 3,
}
"""A world comes to each step at least about this often, so that a planned fault nearly always strikes."""


def table(hits: Counter[tuple[str, str]]) -> str:
    """Fault x step, for people."""
    width = max(map(len, STEPS))
    head = " " * width + "".join(f"{fault:>11}" for fault in FAULTS)
    rows = [f"{step:<{width}}" + "".join(f"{hits[fault, step]:>11}" for fault in FAULTS) for step in STEPS]
    return "\n".join([head, *rows])
