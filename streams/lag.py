"""How far the partitions owned here are behind the ends of their logs, for the metrics endpoint."""

from __future__ import annotations

from collections.abc import Mapping

from infra.metrics import Metrics
from streams.ports import TP


class Lag:
    """Keeps one series per partition owned here; a partition that went elsewhere is no series any more.

    >>> lag = Lag(metrics := Metrics("segue"))
    >>> lag.tell({TP("segue.events", 3): 90}, {TP("segue.events", 3): 100})
    >>> metrics.value("consumer_lag_records", topic="segue.events", partition=3)
    10.0
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._told: set[TP] = set()

    def tell(self, positions: Mapping[TP, int], ends: Mapping[TP, int]) -> None:
        """`positions`: offset applied up to; `ends`: end of what may be read, where it is known."""
        for tp in self._told - positions.keys():
            self._metrics.forget("consumer_lag_records", topic=tp.topic, partition=tp.partition)
        known = {tp: max(0, ends[tp] - position) for tp, position in positions.items() if tp in ends}
        for tp, behind in known.items():
            self._metrics.set("consumer_lag_records", behind, topic=tp.topic, partition=tp.partition)
        self._told = (self._told & positions.keys()) | known.keys()
