"""What the intake makes of good records: columns that a kernel can read."""

from __future__ import annotations

import time

import msgspec
import numpy as np
import pytest
from xxhash import xxh3_64_intdigest

from online_models.events import BLOCK, DISLIKE, ERASE, FORGET, LIKE, PAUSE, PLAY, RESUME, UNBLOCK, UNDO
from online_models.history import FOR_EVER
from streams.contract import Block, Erase, Play
from streams.intake import BROKEN_OFF, FINISHED, NOT_SAID, REJECTED, Batch, Intake
from tests.events_log import APPENDED_MS, PARTITIONS, PLAYED_MS, Appended, appended, play_json

FULL = play_json(ms_played=184_000, duration_ms=201_000, session_id="s7", reason_end="trackdone")


def read(*records: Appended) -> Batch:
    return Intake(PARTITIONS).read(records, records[0].partition)


def one(value: bytes, **record: object) -> Batch:
    return read(appended(value, **record))  # type: ignore[arg-type]


def test_a_full_play_fills_every_column() -> None:
    batch = one(FULL, offset=1207)
    assert batch.rejections == []
    assert (batch.user_ids, batch.track_ids) == (["ana"], ["t42"])
    assert isinstance(batch.events[0], Play) and batch.events[0].event_id == "01JD"
    row = (batch.offset[0], batch.kind[0], batch.at_ms[0], batch.ms_played[0], batch.duration_ms[0], batch.ended[0], batch.private[0])
    assert row == (1207, PLAY, PLAYED_MS, 184_000, 201_000, FINISHED, 0)
    assert batch.event_hash[0] == xxh3_64_intdigest(b"01JD")
    assert batch.session_hash[0] == xxh3_64_intdigest(b"s7")
    assert (batch.import_source[0], batch.import_row[0]) == (0, -1)


def test_what_a_bare_play_does_not_say_is_marked_absent() -> None:
    batch = one(play_json())
    assert (batch.ms_played[0], batch.duration_ms[0], batch.session_hash[0], batch.ended[0]) == (-1, -1, 0, NOT_SAID)


def test_null_means_absent_for_what_is_optional() -> None:
    optional = (
        "ms_played",
        "duration_ms",
        "session_id",
        "reason_end",
        "context",
        "recommendation_id",
        "track",
        "artist",
        "album",
        "import",
    )
    batch = one(play_json(**dict.fromkeys(optional)))
    assert batch.rejections == []
    assert (batch.ms_played[0], batch.duration_ms[0], batch.session_hash[0], batch.ended[0]) == (-1, -1, 0, NOT_SAID)


def test_columns_have_the_types_that_the_kernel_was_compiled_for() -> None:
    batch = one(FULL)
    types = {name: column.dtype.name for name in Batch.__struct_fields__ if isinstance(column := getattr(batch, name), np.ndarray)}
    assert types == {
        "offset": "int64",
        "kind": "uint8",
        "at_ms": "int64",
        "event_hash": "uint64",
        "session_hash": "uint64",
        "ms_played": "int32",
        "duration_ms": "int32",
        "ended": "uint8",
        "private": "uint8",
        "import_source": "uint64",
        "import_row": "int64",
        "target": "uint64",
        "until_s": "uint32",
    }
    assert all(getattr(batch, name).flags.carray for name in types)


def test_no_records_make_a_batch_of_no_rows() -> None:
    batch = Intake(PARTITIONS).read([], 3)
    assert len(batch.events) == len(batch.offset) == len(batch.rejections) == 0
    assert batch.at_ms.dtype == np.int64


@pytest.mark.parametrize(
    ("spelled", "at_ms"),
    [
        ("2025-12-01T09:40:00Z", PLAYED_MS),
        ("2025-12-01T10:40:00+01:00", PLAYED_MS),
        ("2025-12-01T09:40:00.0129Z", PLAYED_MS + 12),
        ("2025-12-01 09:40:00.5Z", PLAYED_MS + 500),
        ("2002-10-01T00:00:00Z", 1_033_430_400_000),
        ("2025-12-01T10:00:00Z", APPENDED_MS + 600_000),
    ],
)
def test_rfc_3339_times_become_epoch_ms(spelled: str, at_ms: int) -> None:
    batch = one(play_json(played_at=spelled))
    assert batch.rejections == [] and batch.at_ms[0] == at_ms


@pytest.mark.parametrize("at_ms", [1_033_430_400_000, APPENDED_MS + 600_000])
def test_the_earliest_and_the_latest_time_are_accepted(at_ms: int) -> None:
    batch = one(play_json(played_at=at_ms))
    assert batch.rejections == [] and batch.at_ms[0] == at_ms


@pytest.mark.parametrize(
    ("reason_end", "ended"),
    [
        ("trackdone", FINISHED),
        ("fwdbtn", BROKEN_OFF),
        ("whatever comes", BROKEN_OFF),
        ("unknown", NOT_SAID),
        ("none", NOT_SAID),
        ("", NOT_SAID),
    ],
)
def test_the_reason_of_an_end_is_read_in_three_classes(reason_end: str, ended: int) -> None:
    assert one(play_json(reason_end=reason_end)).ended[0] == ended


def test_an_imported_play_carries_source_and_row() -> None:
    batch = one(play_json(**{"import": {"source": "f" * 64, "row": 0}}))
    assert (batch.import_source[0], batch.import_row[0]) == (xxh3_64_intdigest(b"f" * 64), 0)


def test_a_private_play_is_marked() -> None:
    assert one(play_json(private=True)).private[0] == 1


def test_blocks_and_erases_have_kinds_of_their_own() -> None:
    at = {"at": PLAYED_MS, "event_id": "e"}
    batch = read(
        appended(msgspec.json.encode({"type": "block", "user_id": "ana", "track_id": "t1"} | at)),
        appended(msgspec.json.encode({"type": "unblock", "user_id": "ana", "track_id": "t1"} | at)),
        appended(msgspec.json.encode({"type": "erase", "user_id": "ana", "event_id": "e"})),
        appended(FULL),
    )
    assert batch.rejections == []
    assert batch.kind.tolist() == [BLOCK, UNBLOCK, ERASE, PLAY]
    assert batch.track_ids == ["t1", "t1", "", "t42"]
    assert batch.user_ids == ["ana"] * 4
    assert isinstance(batch.events[0], Block) and isinstance(batch.events[2], Erase)
    assert batch.at_ms.tolist() == [PLAYED_MS, PLAYED_MS, APPENDED_MS, PLAYED_MS], "an erase without a time happened when it was appended"


def test_every_other_kind_says_what_it_is_about() -> None:
    def event(kind: str, **fields: object) -> Appended:
        return appended(msgspec.json.encode({"type": kind, "user_id": "ana", "event_id": "e", "at": PLAYED_MS, **fields}))

    batch = read(
        event("like", track_id="t1"),
        event("dislike", track_id="t2"),
        event("undo", undone_event_id="e7"),
        event("forget", track_id="t3"),
        event("forget", forgotten_event_id="e8"),
        event("pause"),
        event("resume"),
    )
    assert batch.rejections == []
    assert batch.kind.tolist() == [LIKE, DISLIKE, UNDO, FORGET, FORGET, PAUSE, RESUME]
    assert batch.track_ids == ["t1", "t2", "", "t3", "", "", ""]
    assert batch.target.tolist() == [0, 0, xxh3_64_intdigest(b"e7"), 0, xxh3_64_intdigest(b"e8"), 0, 0]


@pytest.mark.parametrize(
    ("until", "until_s"),
    [
        (..., FOR_EVER),
        (None, FOR_EVER),
        (PLAYED_MS, PLAYED_MS // 1_000),
        (PLAYED_MS + 1, PLAYED_MS // 1_000 + 1),
        ("2025-12-01T09:40:00.001Z", PLAYED_MS // 1_000 + 1),
        ("2190-01-01T00:00:00Z", FOR_EVER),
    ],
)
def test_a_block_ends_with_the_second_that_its_until_lies_in(until: object, until_s: int) -> None:
    told = {"type": "block", "user_id": "ana", "event_id": "e", "track_id": "t", "until": until}
    batch = one(msgspec.json.encode({name: value for name, value in told.items() if value is not ...}))
    assert batch.rejections == [] and batch.until_s.tolist() == [until_s]


def test_a_rejected_record_keeps_its_row_and_the_others_go_on() -> None:
    batch = read(appended(FULL, offset=1), appended(b"{", offset=2), appended(FULL, offset=3))
    assert batch.kind.tolist() == [PLAY, REJECTED, PLAY]
    assert batch.offset.tolist() == [1, 2, 3]
    assert batch.user_ids == ["ana", "", "ana"] and batch.track_ids == ["t42", "", "t42"]
    assert batch.events[1] is None and batch.event_hash[1] == 0 and batch.at_ms[1] == 0
    assert [rejection.index for rejection in batch.rejections] == [1]


@pytest.mark.parametrize("header", ["segue.play.v1", None])
def test_cloudevents_headers_are_optional(header: str | None) -> None:
    headers = [("ce_specversion", b"1.0"), ("ce_id", b"other"), ("content-type", b"application/json")]
    batch = one(FULL, headers=headers + ([("ce_type", header.encode())] if header else []))
    assert batch.rejections == []
    assert batch.events[0] is not None and batch.events[0].event_id == "01JD", "the value's event_id wins over ce_id"


def test_the_header_ce_id_stands_for_a_missing_event_id() -> None:
    batch = one(play_json(event_id=...), headers=[("ce_id", "é1".encode())])
    assert batch.events[0] is not None and batch.events[0].event_id == "é1"
    assert batch.event_hash[0] == xxh3_64_intdigest("é1".encode())


def test_unknown_fields_are_ignored() -> None:
    deep = [[{"x": [None, 1e300, "\\u0000 é"]}]]
    assert one(play_json(new_field=deep, duration=5, schema_version="9")).rejections == []


@pytest.mark.parametrize("user_id", ["é", "日本", "a b", '"q"', "\\", "a\\u0000b", "😀", "x" * 128, "😀" * 128, "{u3}:*", "\u007f\n"])
def test_any_text_of_1_to_128_characters_is_an_id(user_id: str) -> None:
    value = play_json(user_id=user_id, track_id=user_id, event_id=user_id, session_id=user_id)
    for spelled in (value, msgspec.json.encode(msgspec.json.decode(value)), ascii_json(value)):
        batch = one(spelled, key=user_id.encode())
        assert batch.rejections == [] and batch.user_ids == [user_id] and batch.track_ids == [user_id]


def ascii_json(value: bytes) -> bytes:
    import json

    return json.dumps(json.loads(value)).encode()


def test_the_largest_value_is_accepted_and_one_byte_more_is_not() -> None:
    room = 10_240 - len(play_json(pad=""))
    assert one(play_json(pad="x" * room)).rejections == []
    assert [r.reason for r in one(play_json(pad="x" * (room + 1))).rejections] == ["oversize"]


def test_the_deepest_value_is_accepted_and_one_level_more_is_not() -> None:
    def nested(levels: int) -> bytes:
        return play_json()[:-1] + b',"x":' + b"[" * levels + b"]" * levels + b"}"

    assert one(nested(255)).rejections == []
    assert [r.reason for r in one(nested(256)).rejections] == ["schema"]


def test_brackets_inside_of_texts_do_not_nest() -> None:
    assert one(play_json(x='[{"' * 600)).rejections == []


def test_many_shallow_brackets_do_not_nest() -> None:
    assert one(play_json(x=[[]] * 600)).rejections == []


@pytest.mark.parametrize(
    "value",
    [
        b"[" * 300 + b'"' + b'\\"' * 4_800,
        b"[" * 300 + b'"' * 9_000,
        play_json(x=[[]] * 2_500),
        play_json(x="[" * 300 + "\\" * 4_000),
        b'"' + b"\\" * 10_000 + b"u0000",
        play_json(x=["\\u0000"] * 800),
    ],
)
def test_no_value_is_judged_slowly(value: bytes) -> None:
    """Within the limit of size nothing costs more than its length: a squared cost here would take 0.5 s."""
    assert len(value) <= 10_240
    one(value)
    start_s = time.process_time()
    one(value)
    assert time.process_time() - start_s < 0.05


def test_a_flood_of_new_users_does_not_grow_the_memory_of_known_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.intake.USERS_KNOWN_MAX", 10)
    intake = Intake(1)
    for n in range(100):
        user_id = f"u{n}"
        batch = intake.read([appended(play_json(user_id=user_id), key=user_id.encode(), partition=0)] * 2, 0)
        assert batch.rejections == [] and batch.user_ids == [user_id] * 2
        assert len(intake._known[0]) <= 10


def test_a_known_user_is_still_refused_under_another_key_and_on_another_partition() -> None:
    intake = Intake(PARTITIONS)
    good = appended(FULL)
    intake.read([good], good.partition)
    impostor = appended(play_json(user_id="bob"))
    assert [r.reason for r in intake.read([impostor], good.partition).rejections] == ["key"]
    assert [r.reason for r in intake.read([appended(FULL, key=b"bob")], good.partition).rejections] == ["key"]
    assert [r.reason for r in intake.read([good], (good.partition + 1) % PARTITIONS).rejections] == ["key"]
