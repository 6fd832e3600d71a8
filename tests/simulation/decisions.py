"""The books of what rankers decided: stored before it is published, and whatever was stored is published, under one id, as it was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from online_models.drift import Change
from streams.contract import Decision
from streams.pending import decode
from streams.ports import Outgoing

FALL_EVERY = 3
"""Tested plays from alarm to alarm."""


class Nervous:
    """A watch (`online_models.drift.Watched`) that raises an alarm at every third play."""

    def __init__(self) -> None:
        self._n = 0

    def judge(self, hits: Sequence[float]) -> list[Change]:
        found = []
        for at, _ in enumerate(hits):
            self._n += 1
            if self._n % FALL_EVERY == 0:
                found.append(Change(at, 1.0, 0.5, 0.5))
        return found


class DecisionBooks:
    """What reached the store, and what reached the log."""

    def __init__(self) -> None:
        self._stored: dict[str, Decision] = {}
        self._published: set[str] = set()

    def stored(self, pending: bytes) -> None:
        """An apply stands, and this is what it left to be published."""
        self._stored |= {decision.decision_id: decision for decision in decode(pending).decided}

    def landed(self, record: Outgoing) -> Iterator[str]:
        """A record of the topic reached the broker; what is wrong with it."""
        decision = msgspec.json.decode(bytes(record.value or b""), type=Decision)
        self._published.add(decision.decision_id)
        if self._stored.get(decision.decision_id) != decision:
            yield f"published the decision {decision.decision_id}, and the store never had it so"

    def missing(self) -> Iterator[str]:
        """At the end: what was stored and is on no log."""
        yield from (f"the decision {name} was stored and never published" for name in self._stored if name not in self._published)
