"""Two readings of one contract: the intake's and the oracle's agree on what is an event, and why not."""

from __future__ import annotations

from random import Random

import pytest

from console.chaos_load import Load, Sent
from streams.intake import REJECTED, Intake
from streams.partitioner import partition_of as product_partition_of
from tests.events_log import APPENDED_MS, PARTITIONS, Appended, appended, play_json
from tests.oracle.logs import Read
from tests.oracle.names import murmur2, partition_of
from tests.oracle.records import Event, Rejected, judge_record
from tests.unit.streams.bad_inputs import BAD, Bad


def judged(record: Appended) -> Event | Rejected:
    read = Read(record.offset, record.timestamp, record.key, record.value, record.headers)
    return judge_record(read, record.partition, PARTITIONS)


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_the_oracle_refuses_every_bad_input_that_has_a_name(bad: Bad) -> None:
    assert isinstance(judged(bad.record), Rejected)


@pytest.mark.parametrize(
    "value",
    [
        play_json(),
        play_json(played_at="2025-12-01T09:40:00Z"),
        play_json(played_at="2025-12-01T10:40:00+01:00"),
        play_json(ms_played=0, duration_ms=None, session_id=None, reason_end="", context={"device": "phone", "n": 1.5, "x": None}),
        play_json(type="play", later=[[1], {"deep": {}}], track="título", artist=""),
        play_json(**{"import": {"source": "f00", "row": 7, "more": 1}}),
    ],
)
def test_the_oracle_accepts_what_the_intake_accepts(value: bytes) -> None:
    record = appended(value)
    assert not Intake(PARTITIONS).read([record], record.partition).rejections
    event = judged(record)
    assert isinstance(event, Event) and event.user_id == "ana"


def test_both_agree_on_a_thousand_records_of_chaos_load() -> None:
    load = Load(3, APPENDED_MS, users=50, tracks=40, partitions=PARTITIONS).records()
    records = [_placed(next(load), offset) for offset in range(4_000)]
    rejected = [record for record in records if isinstance(judged(record), Rejected)]
    for partition in range(PARTITIONS):
        here = [record for record in records if record.partition == partition]
        batch = Intake(PARTITIONS).read(here, partition)
        refused = {here[index].offset for index, kind in enumerate(batch.kind) if kind == REJECTED}
        assert refused == {record.offset for record in rejected if record.partition == partition}
        for record, user_id, at_ms in zip(here, batch.user_ids, batch.at_ms, strict=True):
            event = judged(record)
            assert isinstance(event, Rejected) or (event.user_id, event.at_ms) == (user_id, at_ms)
    assert 5 < len(rejected) < 100


def _placed(sent: Sent, offset: int) -> Appended:
    partition = None if sent.partition < 0 else sent.partition
    return appended(sent.value, sent.key, sent.headers, partition=partition, offset=offset)


def test_murmur2_gives_the_numbers_of_kafkas_own_tests() -> None:
    signed = {b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536, b"abc": 479470107}
    assert {data: murmur2(data) for data in signed} == {data: number & 0xFFFFFFFF for data, number in signed.items()}


def test_keys_of_any_length_go_where_the_product_sends_them() -> None:
    rng = Random(5)
    keys = [rng.randbytes(length) for length in range(40) for _ in range(5)]
    assert [partition_of(key, 8) for key in keys] == [product_partition_of(key, 8) for key in keys]
