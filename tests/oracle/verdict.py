"""What the judge says: counts of every kind of fault, and the first differences by name."""

from __future__ import annotations

from collections import Counter

import msgspec

ERRORS_MAX = 20
"""Differences kept in words; the counts have no limit."""

FAULTS = (
    "lost",
    "double",
    "users_wrong",
    "cursors_wrong",
    "transitions_wrong",
    "tracks_wrong",
    "lists_missing",
    "lists_wrong",
    "dead_letters_missing",
    "dead_letters_wrong",
    "lessons_wrong",
    "erased_wrong",
    "answers_missing",
    "answers_wrong",
    "keys_unknown",
)
"""Fields of a verdict that must all be 0."""


class Verdict(msgspec.Struct, forbid_unknown_fields=True):
    """Counts of what was read and of every fault; `ok` when there is none."""

    ok: bool = True
    plays: int = 0
    """Plays in the log that count (each once, erased users' included)."""
    records: int = 0
    duplicates: int = 0
    rejected: int = 0
    private: int = 0
    lists: int = 0
    """Distinct lists on the topic."""
    lists_repeated: int = 0
    lists_short: int = 0
    """Lists with fewer than 20 entries in either half, mostly of the first minutes."""
    lists_of_blockers: int = 0
    """Lists of users who had blocked an artist: judged by the artists that every play of a track named."""
    transitions: int = 0
    tracks: int = 0
    artists: int = 0
    albums: int = 0
    lessons: int = 0
    lessons_untaken: int = 0
    """On the topic, and not yet in a saved model: no fault, a models worker saves now and then."""
    answers: int = 0
    """Questions that have an answer on the topic."""
    incarnation: str = ""
    lost: int = 0
    """Plays that the log has and Redis has not."""
    double: int = 0
    """Plays that Redis counted more than once."""
    users_wrong: int = 0
    cursors_wrong: int = 0
    transitions_wrong: int = 0
    """Items on the deltas topic that the log does not imply, or the other way round."""
    tracks_wrong: int = 0
    lists_missing: int = 0
    lists_wrong: int = 0
    dead_letters_missing: int = 0
    dead_letters_wrong: int = 0
    lessons_wrong: int = 0
    erased_wrong: int = 0
    answers_missing: int = 0
    answers_wrong: int = 0
    keys_unknown: int = 0
    seconds: float = 0.0
    errors: list[str] = []


class Findings:
    """Collects faults while the judge reads."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.errors: list[str] = []

    def seen(self, what: str, n: int = 1) -> None:
        """Count something that is no fault."""
        self.counts[what] += n

    def fault(self, kind: str, message: str, n: int = 1) -> None:
        """Count a fault of `kind` (see `FAULTS`) and keep its words while there is room."""
        assert kind in FAULTS, kind
        self.counts[kind] += n
        if len(self.errors) < ERRORS_MAX:
            self.errors.append(f"{kind}: {message}")

    def verdict(self, incarnation: str, seconds: float) -> Verdict:
        """The verdict over everything found."""
        found = Verdict(incarnation=incarnation, seconds=round(seconds, 1), errors=list(self.errors))
        for what, n in self.counts.items():
            setattr(found, what, n)
        found.ok = not any(getattr(found, kind) for kind in FAULTS)
        return found
