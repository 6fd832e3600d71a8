"""Our record batches against aiokafka's own, byte for byte."""

from __future__ import annotations

import pytest
from aiokafka.producer.message_accumulator import BatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from streams.ports import Outgoing
from streams.record_batch import record_batches
from streams.record_headers import headers_text, varint

AT_MS = 1_764_582_000_012
TEXT = st.text(max_size=20)
RECORDS = st.lists(
    st.builds(
        Outgoing,
        st.just("lists"),
        st.just(3),
        st.none() | st.binary(max_size=200),
        st.none() | st.binary(max_size=9_000),
        st.lists(st.tuples(TEXT, st.binary(max_size=80)), max_size=7),
    ),
    min_size=1,
    max_size=40,
)


def theirs(records: list[Outgoing]) -> bytes:
    builder = BatchBuilder(10_000_000, 0)
    for record in records:
        builder.append(timestamp=AT_MS, key=record.key, value=record.value, headers=list(record.headers))
    builder._set_producer_state(4_711, 2, 99)
    return bytes(builder._build())


@given(RECORDS)
def test_the_bytes_are_those_of_aiokafka(records: list[Outgoing]) -> None:
    (batch,) = record_batches(records, AT_MS, 10_000_000)
    batch._set_producer_state(4_711, 2, 99)
    made = batch._build()
    assert bytes(made) == theirs(records)
    assert len(made) == len(bytes(made))
    assert (batch.size(), batch.record_count(), batch.closed()) == (len(made), len(records), True)
    assert batch._build() is made, "sent once more, it is the same"


@given(RECORDS)
def test_headers_may_come_as_text(records: list[Outgoing]) -> None:
    ready = [record._replace(headers=headers_text(record.headers)) for record in records if isinstance(record.headers, list)]
    (batch,) = record_batches(ready, AT_MS, 10_000_000)
    batch._set_producer_state(4_711, 2, 99)
    assert bytes(batch._build()) == theirs(records)


@given(RECORDS, st.integers(100, 20_000))
def test_batches_keep_the_order_and_the_limit(records: list[Outgoing], bytes_max: int) -> None:
    batches = list(record_batches(records, AT_MS, bytes_max))
    assert sum(batch.record_count() for batch in batches) == len(records)
    assert all(batch.size() <= bytes_max or batch.record_count() == 1 for batch in batches)
    start = 0
    for batch in batches:
        batch._set_producer_state(4_711, 2, 99)
        assert bytes(batch._build()) == theirs(records[start : start + batch.record_count()])
        start += batch.record_count()


@pytest.mark.parametrize("n", [8_191, 8_192, 100_000])
def test_a_long_value_has_a_long_length(n: int) -> None:
    record = Outgoing("lists", 0, b"ana", bytes(n), [])
    (batch,) = record_batches([record], AT_MS, 1_000)
    batch._set_producer_state(4_711, 2, 99)
    assert bytes(batch._build()) == theirs([record])
    assert varint(n) in bytes(batch._build())
