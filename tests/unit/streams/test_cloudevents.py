"""Headers of what Segue publishes follow CloudEvents 1.0, Kafka binding, binary mode."""

from __future__ import annotations

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from streams.cloudevents import PLAYS_SOURCE, RECOMMENDATION, headers, recommendation_headers, rfc3339

AT_MS = 1_764_582_000_012


def test_a_recommendation_has_every_header() -> None:
    assert recommendation_headers(b"a1b2-3-1207", AT_MS) == [
        ("ce_specversion", b"1.0"),
        ("ce_id", b"a1b2-3-1207"),
        ("ce_type", b"segue.recommendation.v1"),
        ("ce_source", b"/segue/plays"),
        ("ce_time", b"2025-12-01T09:40:00.012Z"),
        ("content-type", b"application/json"),
    ]


def test_the_quick_way_gives_what_the_general_one_does() -> None:
    assert recommendation_headers("é".encode(), AT_MS) == headers(RECOMMENDATION, "é", PLAYS_SOURCE, AT_MS)


@given(st.integers(0, 253_402_300_799_999))
def test_times_are_rfc_3339_to_the_millisecond(at_ms: int) -> None:
    text = rfc3339(at_ms).decode()
    assert len(text) == 24 and text.endswith("Z")
    read = datetime.fromisoformat(text)
    assert round(read.timestamp() * 1_000) == at_ms
