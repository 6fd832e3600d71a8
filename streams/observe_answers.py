"""What an answers worker tells about itself: per answer, and how many records it passed over."""

from __future__ import annotations

from typing import Protocol

from infra.metrics import Metrics
from streams.contract import Answer


class AnswersObserver(Protocol):
    """Told when something became certain."""

    def claimed(self) -> None: ...
    def passed(self, n: int) -> None: ...
    def answered(self, answer: Answer | None, took_s: float) -> None: ...
    def fenced(self) -> None: ...


class SilentAnswers:
    """For simulations and pure runs."""

    def claimed(self) -> None:
        """Nothing."""

    def passed(self, n: int) -> None:
        """Nothing."""

    def answered(self, answer: Answer | None, took_s: float) -> None:
        """Nothing."""

    def fenced(self) -> None:
        """Nothing."""


class MeasuredAnswers:
    """Feeds the metrics endpoint."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def claimed(self) -> None:
        """A claim."""
        self._metrics.count("claims_total", 1, side="answers")

    def passed(self, n: int) -> None:
        """Records that ask for nothing."""
        self._metrics.count("events_passed_total", n)

    def answered(self, answer: Answer | None, took_s: float) -> None:
        """A question is done with; `took_s` is what making its answer took, without the wait for the plays worker."""
        outcome = "erased" if answer is None else "answered" if answer.error is None else answer.error.reason
        self._metrics.count("answers_total", 1, outcome=outcome)
        self._metrics.observe("answer_seconds", took_s)

    def fenced(self) -> None:
        """A refused apply."""
        self._metrics.count("fenced_total", 1, side="answers")
