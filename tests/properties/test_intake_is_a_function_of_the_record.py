"""Whatever is in a record, the intake gives one answer, always the same, and never raises."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.intake import REJECTED, Batch, Intake
from streams.screening import Rejected, screen
from tests.events_log import APPENDED_MS, PARTITIONS, PLAYED_MS, Appended, appended, play_json
from tests.unit.streams.bad_inputs import BAD

USERS = ["ana", "bob", "é", " ", "", "u" * 129]
IDS = st.one_of(st.sampled_from(["e1", "", "\0", "\\u0000", " ", "x" * 129]), st.text(max_size=6), st.none(), st.integers())
NUMBERS = st.one_of(st.integers(-1, 3), st.sampled_from([2**31, 2**63, 2**64, 2_073_600_000, 10**400]), st.none(), st.floats())
TIMES = st.one_of(
    st.integers(PLAYED_MS, APPENDED_MS),
    st.integers(),
    st.sampled_from(["2025-12-01T09:40:00Z", "2025-12-01T09:40:00", "1999-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00"]),
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "event_id": IDS,
        "user_id": st.sampled_from(USERS),
        "track_id": IDS,
        "played_at": TIMES,
        "ms_played": NUMBERS,
        "duration_ms": NUMBERS,
        "session_id": IDS,
        "reason_end": st.sampled_from(["trackdone", "fwdbtn", "unknown", "", 5, None]),
        "private": st.sampled_from([True, False, None, 1]),
        "type": st.sampled_from(["play", "block", "unblock", "erase", "like", "dislike", "undo", "forget", "pause", "radio", "dance", 5]),
        "at": TIMES,
        "until": TIMES,
        "undone_event_id": IDS,
        "forgotten_event_id": IDS,
        "import": st.one_of(st.none(), st.fixed_dictionaries({"source": IDS, "row": NUMBERS})),
        "context": st.dictionaries(st.text(max_size=3), st.one_of(NUMBERS, st.text(max_size=3)), max_size=3),
        "artist": st.sampled_from(["Nico", " ", None, 5]),
        "album": st.sampled_from(["Desertshore", " ", None, 5]),
        "n": NUMBERS,
        "spacing": NUMBERS,
        "drift": st.sampled_from([0, 0.5, 1, 1.5, "0.5"]),
        "unknown": st.recursive(st.text(max_size=3) | st.floats(), lambda inner: st.lists(inner, max_size=2), max_leaves=4),
    },
)
HEADERS = st.lists(
    st.sampled_from(
        [
            ("ce_type", b"segue.play.v1"),
            ("ce_type", b"segue.block.v1"),
            ("ce_type", b"segue.play.v2"),
            ("ce_type", b"\xff"),
            ("ce_type", None),
            ("ce_id", b"id"),
            ("ce_id", b"\xff"),
            ("ce_id", None),
            ("traceparent", b"00"),
        ]
    ),
    max_size=3,
)


@st.composite
def event_values(draw: st.DrawFn) -> bytes:
    """JSON that is nearly an event: good fields, some of them changed, left out, or broken in their bytes."""
    fields = json.loads(play_json()) | draw(FIELDS)
    for name in draw(st.lists(st.sampled_from(sorted(fields)), max_size=1)):
        del fields[name]
    value = json.dumps(fields, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    if draw(st.booleans()):
        return value
    at = draw(st.integers(0, len(value)))
    return value[:at] + draw(st.binary(max_size=3)) + value[at + draw(st.integers(0, 3)) :]


VALUES = st.one_of(event_values(), event_values(), st.binary(max_size=64), st.none())
RECORDS = st.builds(
    appended,
    VALUES,
    key=st.one_of(st.sampled_from([user.encode() for user in USERS]), st.binary(max_size=4), st.none()),
    headers=HEADERS,
    timestamp=st.sampled_from([APPENDED_MS, PLAYED_MS, -1, 0, 2**63 - 1]),
    partition=st.one_of(st.none(), st.integers(0, PARTITIONS - 1)),
)


def read(records: Sequence[Appended], partition: int, intake: Intake | None = None) -> Batch:
    return (intake or Intake(PARTITIONS)).read(records, partition)


def rows(batch: Batch) -> list[tuple[object, ...]]:
    """Each record's outcome, without its place in the batch."""
    refused = {rejection.index: (rejection.reason, rejection.message) for rejection in batch.rejections}
    columns = [column.tolist() for name in Batch.__struct_fields__ if isinstance(column := getattr(batch, name), np.ndarray)]
    outcomes = zip(batch.user_ids, batch.track_ids, batch.artists, batch.albums, batch.events, *columns, strict=True)
    return [(*outcome, refused.get(index)) for index, outcome in enumerate(outcomes)]


@settings(max_examples=400, deadline=None)
@given(st.lists(RECORDS, max_size=6), st.integers(0, PARTITIONS - 1))
def test_any_bytes_get_an_answer(records: list[Appended], partition: int) -> None:
    batch = read(records, partition)
    refused = [rejection.index for rejection in batch.rejections]
    assert refused == np.flatnonzero(batch.kind == REJECTED).tolist()
    for index, event in enumerate(batch.events):
        assert (event is None) == (index in refused)
        assert (batch.event_hash[index] == 0) == (index in refused)
        if event is not None:
            assert event.event_id and batch.user_ids[index] == event.user_id == (records[index].key or b"").decode()


@settings(max_examples=400, deadline=None)
@given(RECORDS)
def test_the_quick_way_and_the_careful_way_agree(record: Appended) -> None:
    batch = read([record], record.partition)
    try:
        screened = screen(record, record.partition, PARTITIONS)
    except Rejected as rejected:
        assert [(r.reason, r.message) for r in batch.rejections] == [(rejected.reason, rejected.message)]
    else:
        assert batch.rejections == []
        assert batch.events == [screened.event] and batch.at_ms.tolist() == [screened.at_ms]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.one_of(RECORDS, st.sampled_from([bad.record for bad in BAD])), max_size=8),
    st.integers(0, PARTITIONS - 1),
    st.integers(0, 8),
)
def test_where_a_log_is_cut_and_what_was_read_before_changes_nothing(records: list[Appended], partition: int, cut: int) -> None:
    whole = rows(read(records, partition))
    intake = Intake(PARTITIONS)
    read(list(reversed(records)), partition, intake)
    parts = rows(read(records[:cut], partition, intake)) + rows(read(records[cut:], partition, intake))
    assert parts == whole
