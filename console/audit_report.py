"""What an audit found: the nine promises of docs/architecture.md, each kept or with its differences."""

from __future__ import annotations

from typing import Any, Final

import msgspec

WORDS: Final = {
    "P1": "every readable record is applied, a duplicate, rejected or private",
    "P2": "each user's pure state is the fold of their partition's log",
    "P3": "each track's row is the fold of its items, each taken once",
    "P4": "each applied event has its list, and Redis holds the newest",
    "P5": "each record below a cursor is counted, and a refused one is a dead letter",
    "P6": "no number anywhere is not finite",
    "P7": "each model is the fold of its lessons",
    "P8": "an erased user has no key and no list",
    "P9": "each question below its cursor has an answer, under one id",
}
SHOWN_MAX: Final = 20
"""Differences of one promise that are kept in words."""


class Promise(msgspec.Struct):
    """One promise: how much was looked at, and what is not as it should be."""

    checked: int = 0
    broken: int = 0
    differences: list[str] = []
    notes: list[str] = []

    @property
    def ok(self) -> bool:
        return self.broken == 0

    def look(self, n: int = 1) -> None:
        """Count what was compared."""
        self.checked += n

    def differ(self, what: str, n: int = 1) -> None:
        """Count differences; the first ones are kept in words."""
        self.broken += n
        if len(self.differences) < SHOWN_MAX:
            self.differences.append(what)

    def note(self, what: str) -> None:
        """Something worth knowing that breaks nothing."""
        self.notes.append(what)


class AuditReport(msgspec.Struct):
    """Everything an audit found; `lost` and `double` are plays."""

    namespace: str
    plays: int = 0
    lists: int = 0
    transitions: int = 0
    lessons: int = 0
    lost: int = 0
    double: int = 0
    seconds: float = 0.0
    promises: dict[str, Promise] = {}

    @property
    def ok(self) -> bool:
        return self.lost == 0 and self.double == 0 and all(promise.ok for promise in self.promises.values())

    def shown(self) -> dict[str, Any]:
        """For `--json`."""
        fields: dict[str, Any] = msgspec.to_builtins(self)
        for name, promise in self.promises.items():
            fields["promises"][name] |= {"ok": promise.ok, "promise": WORDS[name]}
        return {"ok": self.ok, **fields}


def new_report(namespace: str) -> AuditReport:
    """Nothing looked at yet."""
    return AuditReport(namespace, promises={name: Promise() for name in WORDS})
