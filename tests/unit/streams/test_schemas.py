"""The checked-in documents say what the Structs say, and the AsyncAPI document hangs together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from infra.settings import Settings
from infra.topics import table
from streams.asyncapi import asyncapi
from streams.contract import EVENT_BY_TYPE, ID_CHARS_MAX, Play, Reason
from streams.json_schema import components
from streams.schemas import DOCS, documents, stale, write

DOCUMENT = asyncapi()
PUBLIC = [topic for topic in table(Settings()) if not topic.suffix.startswith("internal.")]


def test_the_checked_in_documents_are_fresh() -> None:
    assert stale(DOCS) == [], "run `python -m streams.schemas` and review what changed: readers depend on it"


def test_a_changed_a_missing_and_a_left_over_file_are_stale_until_they_are_written(tmp_path: Path) -> None:
    assert sorted(write(tmp_path)) == sorted(documents())
    assert stale(tmp_path) == []
    (tmp_path / "asyncapi.json").write_bytes(b"{}")
    (tmp_path / "schemas/users.json").unlink()
    (tmp_path / "schemas/old.json").write_bytes(b"{}")
    assert stale(tmp_path) == ["asyncapi.json", "schemas/old.json", "schemas/users.json"]
    write(tmp_path)
    assert stale(tmp_path) == [] and not (tmp_path / "schemas/old.json").exists()


def test_every_reference_in_every_document_leads_somewhere() -> None:
    for path, document in documents().items():
        for target in references(document):
            assert target.startswith("#/"), f"{path} is complete in itself"
            assert resolve(document, target) is not None, f"{path}: {target}"


def test_the_event_schema_tells_events_apart_by_their_type() -> None:
    schema = documents()["schemas/events.json"]
    types = {name: schema["$defs"][struct.__name__]["properties"]["type"]["enum"] for name, struct in EVENT_BY_TYPE.items()}
    assert types == {name: [name] for name in EVENT_BY_TYPE}
    without = {name for name, struct in EVENT_BY_TYPE.items() if "type" not in schema["$defs"][struct.__name__]["required"]}
    assert without == {"play"}, "only a play may leave its type out"


def test_the_schema_of_a_play_carries_the_limits() -> None:
    play = components((Play,), "#/$defs/{name}")["Play"]
    assert play["required"] == ["user_id", "track_id", "played_at"]
    assert play["properties"]["user_id"]["maxLength"] == ID_CHARS_MAX
    assert "default" not in play["properties"]["event_id"], "an empty id is not a valid one"
    assert play["properties"]["type"] == {"enum": ["play"], "default": "play"}


def test_no_schema_is_closed_because_readers_must_bear_new_fields() -> None:
    assert not any(node.get("additionalProperties") is False for document in documents().values() for node in nodes(document))


def test_the_reasons_are_a_closed_enum_in_the_schema() -> None:
    headers = documents()["schemas/dead-letters.headers.json"]
    assert sorted(headers["$defs"]["Reason"]["enum"]) == sorted(Reason)


def test_the_document_is_asyncapi_3() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert DOCUMENT["info"]["title"] and re.fullmatch(r"\d+\.\d+\.\d+", DOCUMENT["info"]["version"])
    assert DOCUMENT.keys() <= {"asyncapi", "id", "info", "servers", "defaultContentType", "channels", "operations", "components"}


def test_there_is_a_channel_for_every_public_topic_and_no_other() -> None:
    addresses = {channel["address"].replace("{namespace}", "segue") for channel in DOCUMENT["channels"].values()}
    assert addresses == {topic.name("segue") for topic in PUBLIC}


@pytest.mark.parametrize("topic", PUBLIC, ids=[topic.suffix for topic in PUBLIC])
def test_the_kafka_binding_of_a_channel_is_the_topic_table(topic: Any) -> None:
    (channel,) = (c for c in DOCUMENT["channels"].values() if c["address"].endswith("." + topic.suffix))
    binding = channel["bindings"]["kafka"]
    assert binding.keys() == {"partitions", "replicas", "topicConfiguration", "bindingVersion"}
    assert (binding["partitions"], binding["bindingVersion"]) == (topic.partitions, "0.5.0")
    assert binding["topicConfiguration"]["cleanup.policy"] == topic.config["cleanup.policy"].split(",")
    assert binding["topicConfiguration"]["max.message.bytes"] == int(topic.config["max.message.bytes"])
    assert channel["parameters"].keys() == set(re.findall(r"{(\w+)}", channel["address"]))


def test_every_operation_acts_on_a_channel_with_messages_of_that_channel() -> None:
    acted_on = []
    for name, operation in DOCUMENT["operations"].items():
        assert operation["action"] in ("send", "receive"), name
        channel = operation["channel"]["$ref"]
        acted_on.append(channel)
        assert [message["$ref"].rpartition("/messages/")[0] for message in operation["messages"]] == [channel] * len(operation["messages"])
        assert len(operation["messages"]) == len(resolve(DOCUMENT, channel)["messages"])
    assert sorted(acted_on) == sorted(f"#/channels/{name}" for name in DOCUMENT["channels"])


def test_segue_receives_what_producers_send_and_sends_what_readers_read() -> None:
    actions = {operation["channel"]["$ref"].rpartition("/")[2]: operation["action"] for operation in DOCUMENT["operations"].values()}
    assert {channel for channel, action in actions.items() if action == "receive"} == {"events", "tracks", "users"}


def test_every_message_has_a_payload_headers_and_a_key() -> None:
    for name, message in DOCUMENT["components"]["messages"].items():
        assert message.keys() == {"name", "title", "summary", "headers", "payload", "bindings"}, name
        assert message["bindings"]["kafka"]["key"]["type"] == "string"
        assert message["headers"]["type"] == "object"
    events = DOCUMENT["channels"]["events"]["messages"].keys()
    assert events == EVENT_BY_TYPE.keys()


def test_every_component_is_used() -> None:
    used = set(references(DOCUMENT))
    for kind in ("messages", "schemas"):
        assert {f"#/components/{kind}/{name}" for name in DOCUMENT["components"][kind]} <= used


def test_the_documents_are_plain_json() -> None:
    for path in documents():
        assert msgspec.json.decode((DOCS / path).read_bytes())


def nodes(document: Any) -> Iterator[dict[str, Any]]:
    if isinstance(document, dict):
        yield document
        for value in document.values():
            yield from nodes(value)
    elif isinstance(document, list):
        for value in document:
            yield from nodes(value)


def references(document: Any) -> Iterator[str]:
    return (node["$ref"] for node in nodes(document) if "$ref" in node)


def resolve(document: Any, target: str) -> Any:
    for part in target.removeprefix("#/").split("/"):
        document = document.get(part, {})
    return document or None
