"""The table of metrics: each can be used, and the document says what the code says."""

from __future__ import annotations

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from infra.metrics import DOCUMENT, LATENCY_S, TABLE, Declared, Metrics, document

ROOT = DOCUMENT.parents[1]


def use(metrics: Metrics, row: Declared) -> None:
    labels = {label: "x" for label in row.labels}
    if row.kind == "counter":
        metrics.count(row.name, **labels)
    elif row.kind == "gauge":
        metrics.set(row.name, 1, **labels)
    else:
        metrics.observe(row.name, 1.0, **labels)


def test_the_document_is_what_the_table_generates() -> None:
    assert DOCUMENT.read_text() == document(), "stale: run `make docs`"


def test_every_declared_metric_is_in_the_exposition_once_used() -> None:
    metrics = Metrics("segue")
    for row in TABLE:
        use(metrics, row)
    found = {family.name: family.type for family in text_string_to_metric_families(metrics.text().decode())}
    for row in TABLE:
        assert found["segue_" + row.name.removesuffix("_total")] == row.kind


def test_names_keep_the_rules_of_prometheus() -> None:
    for row in TABLE:
        assert row.name.endswith("_total") == (row.kind == "counter"), row.name
        assert not row.name.endswith("_ms"), row.name
        assert not {"user", "user_id", "track", "track_id"}.intersection(row.labels), row.name


def test_a_histogram_takes_a_rounds_values_in_one_call() -> None:
    metrics = Metrics("segue")
    metrics.observe("event_to_list_seconds", np.array([0.0005, 0.001, 0.0011, 100.0]))
    metrics.observe("event_to_list_seconds", 0.02)
    assert metrics.value("event_to_list_seconds_bucket", le="0.001") == 2
    assert metrics.value("event_to_list_seconds_bucket", le="0.002") == 3
    assert metrics.value("event_to_list_seconds_bucket", le=str(LATENCY_S[-1])) == 4
    assert metrics.value("event_to_list_seconds_bucket", le="+Inf") == 5
    assert metrics.value("event_to_list_seconds_count") == 5
    assert metrics.value("event_to_list_seconds_sum") == pytest.approx(100.0226)


@pytest.mark.parametrize("value", [0.0, 0.0005, LATENCY_S[0], LATENCY_S[3], LATENCY_S[3] + 1e-9, LATENCY_S[-1], 100.0])
def test_one_value_falls_into_the_bucket_into_which_it_falls_among_others(value: float) -> None:
    alone, among = Metrics("segue"), Metrics("segue")
    alone.observe("event_to_list_seconds", value)
    among.observe("event_to_list_seconds", [value, value])
    for bound in map(str, LATENCY_S):
        assert among.value("event_to_list_seconds_bucket", le=bound) == 2 * (alone.value("event_to_list_seconds_bucket", le=bound) or 0)


def test_a_histogram_keeps_its_labels_apart() -> None:
    metrics = Metrics("segue")
    metrics.observe("round_stage_seconds", 0.01, stage="load")
    metrics.observe("round_stage_seconds", [0.01, 0.02], stage="apply")
    assert metrics.value("round_stage_seconds_count", stage="load") == 1
    assert metrics.value("round_stage_seconds_count", stage="apply") == 2


def test_two_instances_do_not_mix() -> None:
    one, other = Metrics("one"), Metrics("two")
    one.count("events_applied_total", 3)
    assert one.value("events_applied_total") == 3
    assert other.value("events_applied_total") == 0


def test_a_namespace_with_a_hyphen_gives_a_valid_name() -> None:
    assert b"\nnight_shift_events_applied_total 0.0\n" in Metrics("night-shift").text()


def test_a_partition_that_went_elsewhere_is_no_series_any_more() -> None:
    metrics = Metrics("segue")
    metrics.set("consumer_lag_records", 7, topic="segue.events", partition=3)
    assert metrics.value("consumer_lag_records", topic="segue.events", partition=3) == 7
    metrics.forget("consumer_lag_records", topic="segue.events", partition=3)
    assert metrics.value("consumer_lag_records", topic="segue.events", partition=3) is None


def test_an_undeclared_metric_is_our_bug() -> None:
    with pytest.raises(KeyError):
        Metrics("segue").count("plays_total")


def test_every_declared_metric_is_fed_somewhere() -> None:
    sources = "".join(
        path.read_text() for package in ("streams", "infra") for path in (ROOT / package).rglob("*.py") if path.name != "metrics.py"
    )
    unfed = {row.name for row in TABLE if f'"{row.name}"' not in sources} - {"build_info"}
    assert unfed == set()
