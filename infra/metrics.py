"""Every metric of Segue, declared in one table; docs/metrics.md is generated from it.

Names on the wire start with the namespace (`segue_events_applied_total`). Ids of users and tracks are never labels.
A worker counts once per round, so nothing here is on the path of a single play.
"""

from __future__ import annotations

import sys
import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from infra.settings import Settings

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "metrics.md"

LATENCY_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Round the promises: 25-100 ms is resolved finely, a broken dependency coarsely."""

ROUND_PLAYS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0)

# A second series per counter that says when it was first seen; process_start_time_seconds says enough.
disable_created_metrics()  # type: ignore[no-untyped-call]

Values = Sequence[float] | npt.NDArray[np.floating] | npt.NDArray[np.integer]


class Declared(NamedTuple):
    """One row of the table."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    unit: str
    help: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()
    """Upper bounds of a histogram's buckets, without +Inf."""


TABLE: tuple[Declared, ...] = (
    Declared("events_applied_total", "counter", "events", "Events that changed a user's row."),
    Declared(
        "events_duplicate_total", "counter", "events", "Events seen before: same event id, or an import row at or below the user's mark."
    ),
    Declared("events_rejected_total", "counter", "events", "Events that became dead letters.", ("reason",)),
    Declared("events_private_total", "counter", "events", "Private plays: counted and forgotten."),
    Declared("lists_published_total", "counter", "lists", "List pairs whose publication was acknowledged."),
    Declared("deltas_applied_total", "counter", "items", "Delta items folded into track rows."),
    Declared("deltas_skipped_total", "counter", "items", "Delta items at or below the watermark: applied before, sent again."),
    Declared("lessons_applied_total", "counter", "lessons", "Lessons that taught a model.", ("model",)),
    Declared("lessons_refused_total", "counter", "lessons", "Lessons with a value that is not finite or out of range.", ("model",)),
    Declared("model_version", "gauge", "version", "Newest version of the model.", ("model",)),
    Declared("model_served_version", "gauge", "version", "Version that is served: the newest, or the one that is pinned.", ("model",)),
    Declared("model_log_loss", "gauge", "nats", "Log-loss of each rival, said before it learned, recent window.", ("model", "rival")),
    Declared(
        "model_rebuilds_total", "counter", "rebuilds", "Snapshots refused: the model learned all its lessons again.", ("model", "reason")
    ),
    Declared("rows_cleaned_total", "counter", "rows", "Rows of tracks or users that were cleaned and stored.", ("topic",)),
    Declared("rows_withdrawn_total", "counter", "rows", "Null values: the row was deleted.", ("topic",)),
    Declared("rows_rejected_total", "counter", "records", "Records of the catalogue that became dead letters.", ("topic", "reason")),
    Declared("values_corrected_total", "counter", "values", "Values of rows that a rule of the cleaning changed.", ("topic", "rule")),
    Declared("values_refused_total", "counter", "values", "Values that rows go on without.", ("topic", "reason")),
    Declared(
        "fenced_total",
        "counter",
        "calls",
        "Applies that Redis refused because another owner or an older state holds the cursor.",
        ("side",),
    ),
    Declared("claims_total", "counter", "claims", "Partitions claimed.", ("side",)),
    Declared("events_passed_total", "counter", "records", "Records of events that ask for nothing, passed over by an answers worker."),
    Declared(
        "answers_total",
        "counter",
        "questions",
        "Questions done with: answered, erased (the user is gone: nothing is published), or the reason of an error.",
        ("outcome",),
    ),
    Declared(
        "answer_seconds",
        "histogram",
        "seconds",
        "Making one answer, without the wait for the plays worker and for the publication.",
        bounds=LATENCY_S,
    ),
    Declared("round_plays", "histogram", "plays", "Plays per round.", bounds=ROUND_PLAYS),
    Declared(
        "round_stage_seconds",
        "histogram",
        "seconds",
        "Wall time of a round's stage: load, compute (in it: rank), apply, publish; of the tracks' side: learn.",
        ("stage",),
        LATENCY_S,
    ),
    Declared(
        "event_to_list_seconds", "histogram", "seconds", "Append time of an event to the acknowledgement of its list.", bounds=LATENCY_S
    ),
    Declared(
        "consumer_lag_records", "gauge", "records", "Records behind the end of the log, by partition owned here.", ("topic", "partition")
    ),
    Declared("rebalances_total", "counter", "rebalances", "Assignments received from the consumer group."),
    Declared("rows_in_memory", "gauge", "rows", "Rows held in memory, those of tracks that another worker owns included.", ("kind",)),
    Declared("row_loads_total", "counter", "rows", "Rows read from Redis because they were not in memory.", ("kind",)),
    Declared(
        "prequential_hr20", "gauge", "share", "Share of in-session plays that were on the list live before them, recent window.", ("list",)
    ),
    Declared(
        "prequential_mrr20", "gauge", "share", "Mean reciprocal rank of in-session plays in the list live before them, recent window."
    ),
    Declared("drift_alarms_total", "counter", "alarms", "Times that what a model says came true less often than before.", ("model",)),
    Declared("popular_hr20", "gauge", "share", "The same share for the 20 most popular tracks, recent window."),
    Declared("redis_waits_total", "counter", "waits", "Calls that had to wait because Redis was away, loading, full or read-only."),
    Declared("ready", "gauge", "boolean", "1 while the process is ready, as /health/ready says."),
    Declared("build_info", "gauge", "constant", "Always 1; the labels tell what runs.", ("version", "python")),
)


class Buckets(Collector):
    """A histogram that takes a whole round's values in one call, about 10 us for any number of them.

    prometheus_client's own takes one value at a time (2 us each): at 25,000 plays per CPU-second that would be 5 %.
    """

    def __init__(self, name: str, help: str, labels: tuple[str, ...], bounds: tuple[float, ...]) -> None:
        self._name, self._help, self._label_names = name, help, labels
        self._bounds, self._edges = bounds, np.array(bounds, np.float64)
        self._counts: defaultdict[tuple[str, ...], npt.NDArray[np.int64]] = defaultdict(lambda: np.zeros(len(bounds) + 1, np.int64))
        self._sums: defaultdict[tuple[str, ...], float] = defaultdict(float)
        self._lock = threading.Lock()
        if not labels:
            self.observe((), ())

    def observe(self, labels: tuple[str, ...], values: Values) -> None:
        """Count `values` (n,) under the values of the labels. A bucket holds what is <= its bound."""
        array = np.asarray(values, np.float64)
        counts = np.bincount(np.searchsorted(self._edges, array, side="left"), minlength=len(self._edges) + 1)
        with self._lock:
            self._counts[labels] += counts
            self._sums[labels] += float(array.sum())

    def observe_one(self, labels: tuple[str, ...], value: float) -> None:
        """Count one value: the stages of a round come one by one, and arrays of one are slow."""
        with self._lock:
            self._counts[labels][bisect_left(self._bounds, value)] += 1
            self._sums[labels] += value

    def collect(self) -> Iterator[Metric]:
        """What a scrape sees."""
        family = HistogramMetricFamily(self._name, self._help, labels=self._label_names)
        names = [*map(str, self._edges.tolist()), "+Inf"]
        with self._lock:
            for labels, counts in self._counts.items():
                family.add_metric(labels, list(zip(names, np.cumsum(counts).tolist(), strict=True)), self._sums[labels])
        yield family


class Metrics:
    """The table in one registry of its own, so that two instances in a process never mix.

    >>> metrics = Metrics("segue")
    >>> metrics.count("events_rejected_total", 2, reason="json")
    >>> metrics.value("events_rejected_total", reason="json")
    2.0
    """

    def __init__(self, namespace: str) -> None:
        self.registry = CollectorRegistry()
        self._prefix = namespace.replace("-", "_")
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        self._buckets: dict[str, Buckets] = {}
        self._label_names = {declared.name: declared.labels for declared in TABLE}
        for declared in TABLE:
            self._declare(declared)
        ProcessCollector(namespace=self._prefix, registry=self.registry)
        PlatformCollector(registry=self.registry)
        self.set("build_info", 1, version=package_version(), python=sys.version.split()[0])

    def count(self, name: str, n: float = 1, /, **labels: object) -> None:
        """Add `n` to a counter."""
        counter = self._counters[name]
        (counter.labels(**labels) if labels else counter).inc(n)

    def set(self, name: str, value: float, /, **labels: object) -> None:
        """Set a gauge."""
        gauge = self._gauges[name]
        (gauge.labels(**labels) if labels else gauge).set(value)

    def forget(self, name: str, /, **labels: object) -> None:
        """Take one series of a gauge away, e.g. of a partition that is owned elsewhere now."""
        self._gauges[name].remove(*(str(labels[label]) for label in self._label_names[name]))

    def observe(self, name: str, values: float | Values, /, **labels: object) -> None:
        """Count one value, or all of a sequence, in a histogram."""
        buckets, told = self._buckets[name], tuple(str(labels[label]) for label in self._label_names[name])
        if isinstance(values, float | int):
            buckets.observe_one(told, values)
        else:
            buckets.observe(told, values)

    def value(self, name: str, /, **labels: object) -> float | None:
        """What a scrape would show: of a histogram give name + "_count", "_sum" or "_bucket". None when not there."""
        return self.registry.get_sample_value(f"{self._prefix}_{name}", {key: str(text) for key, text in labels.items()})

    def text(self) -> bytes:
        """The exposition of all metrics, as a scrape gets it."""
        return generate_latest(self.registry)

    def _declare(self, declared: Declared) -> None:
        name = f"{self._prefix}_{declared.name}"
        if declared.kind == "counter":
            self._counters[declared.name] = Counter(name, declared.help, declared.labels, registry=self.registry)
        elif declared.kind == "gauge":
            self._gauges[declared.name] = Gauge(name, declared.help, declared.labels, registry=self.registry)
        else:
            self._buckets[declared.name] = Buckets(name, declared.help, declared.labels, declared.bounds)
            self.registry.register(self._buckets[declared.name])


def package_version() -> str:
    """Version of the installed distribution; "source" when there is none."""
    try:
        return version("segue")
    except PackageNotFoundError:
        return "source"


def document(table: Iterable[Declared] = TABLE) -> str:
    """docs/metrics.md."""
    default = Settings()
    lines = [
        "# Metrics",
        "",
        "Generated from the table in `infra/metrics.py` by `make docs`; a test fails when it is stale.",
        f"Served at `http://{default.metrics_host}:{default.metrics_port}/metrics` by each worker: `SEGUE_METRICS_HOST`,",
        "`SEGUE_METRICS_PORT` (0 = off). Names start with the namespace, `-` becomes `_`. Ids of users and tracks are never labels.",
        "The usual `process_*` metrics (CPU seconds, resident bytes, open files) are there too, under the same prefix.",
        "",
        "| name | kind | unit | labels | meaning |",
        "|---|---|---|---|---|",
    ]
    for row in table:
        labels = ", ".join(f"`{label}`" for label in row.labels)
        lines.append(f"| `segue_{row.name}` | {row.kind} | {row.unit} | {labels} | {row.help} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write docs/metrics.md."""
    DOCUMENT.write_text(document())


if __name__ == "__main__":
    main()
