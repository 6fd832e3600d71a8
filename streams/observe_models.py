"""What a models worker tells about itself: counts per snapshot, never per lesson."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from infra.metrics import Metrics


class ModelsObserver(Protocol):
    """Told when something became certain."""

    def claimed(self, model: str, refused: str) -> None: ...
    def saved(self, model: str, version: int, taught: int, refused: int, scores: Mapping[str, float | str]) -> None: ...
    def served(self, model: str, version: int) -> None: ...
    def drifted(self, model: str, n: int) -> None: ...
    def fenced(self, model: str) -> None: ...


class SilentModels:
    """For simulations and pure runs."""

    def claimed(self, model: str, refused: str) -> None:
        """Nothing."""

    def saved(self, model: str, version: int, taught: int, refused: int, scores: Mapping[str, float | str]) -> None:
        """Nothing."""

    def served(self, model: str, version: int) -> None:
        """Nothing."""

    def drifted(self, model: str, n: int) -> None:
        """Nothing."""

    def fenced(self, model: str) -> None:
        """Nothing."""


class MeasuredModels:
    """Feeds the metrics endpoint."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def claimed(self, model: str, refused: str) -> None:
        """A claim; `refused` = why its snapshot was, "" when it was not."""
        self._metrics.count("claims_total", 1, side="models")
        if refused:
            self._metrics.count("model_rebuilds_total", 1, model=model, reason=refused)

    def saved(self, model: str, version: int, taught: int, refused: int, scores: Mapping[str, float | str]) -> None:
        """A snapshot stands: what was learned since the last one, and how good the model is."""
        m = self._metrics
        m.count("lessons_applied_total", taught, model=model)
        m.count("lessons_refused_total", refused, model=model)
        m.set("model_version", version, model=model)
        for name, score in scores.items():
            if name.startswith("log_loss_"):
                m.set("model_log_loss", float(score), model=model, rival=name.removeprefix("log_loss_"))

    def served(self, model: str, version: int) -> None:
        """What is served, after a snapshot or a wish."""
        self._metrics.set("model_served_version", version, model=model)

    def drifted(self, model: str, n: int) -> None:
        """So many drifts are decisions that stand."""
        self._metrics.count("drift_alarms_total", n, model=model)

    def fenced(self, model: str) -> None:
        """A refused apply."""
        self._metrics.count("fenced_total", 1, side="models")
