"""What a catalogue worker tells about itself: counts per round, never per record."""

from __future__ import annotations

from typing import Protocol

from infra.metrics import Metrics
from streams.catalogue_rows import Told


class CatalogueObserver(Protocol):
    """Told when something became certain."""

    def claimed(self, topic: str) -> None: ...
    def applied(self, topic: str, told: Told) -> None: ...
    def fenced(self, topic: str) -> None: ...


class SilentCatalogue:
    """For simulations and pure runs."""

    def claimed(self, topic: str) -> None:
        """Nothing."""

    def applied(self, topic: str, told: Told) -> None:
        """Nothing."""

    def fenced(self, topic: str) -> None:
        """Nothing."""


class MeasuredCatalogue:
    """Feeds the metrics endpoint."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def claimed(self, topic: str) -> None:
        """A claim."""
        self._metrics.count("claims_total", 1, side="catalogue")

    def applied(self, topic: str, told: Told) -> None:
        """A round that stands."""
        m = self._metrics
        m.count("rows_cleaned_total", told.outcomes["applied"], topic=topic)
        m.count("rows_withdrawn_total", told.outcomes["withdrawn"], topic=topic)
        for reason, n in told.reasons.items():
            m.count("rows_rejected_total", n, topic=topic, reason=reason)
        for rule, n in told.rules.items():
            m.count("values_corrected_total", n, topic=topic, rule=rule)
        for reason, n in told.refused.items():
            m.count("values_refused_total", n, topic=topic, reason=reason)

    def fenced(self, topic: str) -> None:
        """A refused apply."""
        self._metrics.count("fenced_total", 1, side="catalogue")
