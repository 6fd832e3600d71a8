"""The Structs keep what was promised to producers and readers."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.contract import EVENT_BY_TYPE, Erase, Event, Import, Play, Reason, Recommendation

RECOMMENDATION = b"""{"recommendation_id": "a1b2-3-1207", "user_id": "ana", "at": 1764582000012,
 "cause": {"event_id": "01JD", "partition": 3, "offset": 1207},
 "next": [{"track_id": "t7", "score": 0.31, "source": "follows", "because": ["t42"], "propensity": 1.0, "finish": 0.72}],
 "discover": [], "model": {"ranker": "tables-1", "finish": null}, "a field to come": 1}"""


def test_the_types_and_the_reasons_are_those_of_the_contract() -> None:
    assert list(EVENT_BY_TYPE) == ["play", "like", "dislike", "undo", "block", "unblock", "forget", "pause", "resume", "radio", "erase"]
    assert list(Reason) == ["json", "schema", "version", "oversize", "timestamp", "key", "null", "handler"]


def test_a_published_list_can_be_read() -> None:
    read = msgspec.json.decode(RECOMMENDATION, type=Recommendation)
    assert read.next[0].finish == 0.72 and read.cause.offset == 1207


def test_a_play_says_its_type_and_leaves_out_what_is_absent() -> None:
    play = Play(user_id="ana", track_id="t", played_at=1764582000000, event_id="e", import_=Import(source="f", row=1))
    assert msgspec.json.decode(msgspec.json.encode(play)) == {
        "type": "play",
        "user_id": "ana",
        "event_id": "e",
        "track_id": "t",
        "played_at": 1764582000000,
        "import": {"source": "f", "row": 1},
    }
    assert msgspec.json.encode(Erase(user_id="ana", event_id="e")) == b'{"type":"erase","user_id":"ana","event_id":"e"}'


@pytest.mark.parametrize("struct", EVENT_BY_TYPE.values())
def test_an_event_is_never_looked_at_by_the_garbage_collector(struct: type[Event]) -> None:
    assert struct.__struct_config__.gc is False


@given(st.sampled_from([struct for struct in EVENT_BY_TYPE.values() if struct is not Play]), st.data())
def test_what_is_written_is_read_back(struct: type[Event], data: st.DataObject) -> None:
    required = {"user_id": "ana", "event_id": "e"} | {
        field.name: data.draw(st.text(min_size=1, max_size=128))
        for field in msgspec.structs.fields(struct)
        if field.required and field.name not in ("user_id", "event_id")
    }
    event = struct(**required)  # type: ignore[arg-type]
    assert msgspec.json.decode(msgspec.json.encode(event), type=struct) == event
