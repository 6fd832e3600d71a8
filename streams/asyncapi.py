"""The AsyncAPI 3.0 document: which channels there are, what flows in them, and with which Kafka settings.

Generated from the Structs of `contract.py` and the topic table of `infra/topics.py` under default settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from infra.settings import Settings
from infra.topics import Topic, table
from streams import cloudevents
from streams.contract import EVENT_BY_TYPE, Answer, CloudEventHeaders, DeadLetterHeaders, Decision, Recommendation, Track, User
from streams.json_schema import Schema, components, reference

CONTRACT_VERSION: Final = "1.0.0"
"""The minor number grows with every addition to the contract; a new major is a new `ce_type`."""

KAFKA_BINDING: Final = "0.5.0"
_SCHEMAS: Final = "#/components/schemas/{name}"
_INTERNAL: Final = "internal."
_SHOWN_CONFIG: Final = {"cleanup.policy", "retention.ms", "max.message.bytes"}
"""Settings of a topic that the Kafka binding has a place for."""


class _Message(NamedTuple):
    """One kind of value in a channel."""

    name: str
    ce_type: str
    payload: Schema
    summary: str


class _Channel(NamedTuple):
    """What the topic table does not say about a public topic."""

    action: str
    """What Segue does: receive or send."""
    operation: str
    messages: tuple[_Message, ...]


def _value(struct: type[msgspec.Struct], ce_type: str) -> _Message:
    name = struct.__name__[0].lower() + struct.__name__[1:]
    return _Message(name, ce_type, reference(struct, _SCHEMAS), (struct.__doc__ or "").partition("\n")[0])


_REFUSED: Final = _Message(
    "refusedRecord", "", {"description": "the record as it was refused, byte for byte"}, "A record that could not be applied."
)

_CHANNELS: Final[Mapping[str, _Channel]] = {
    "events": _Channel(
        "receive", "learnFromEvents", tuple(_value(struct, cloudevents.EVENT.format(type=name)) for name, struct in EVENT_BY_TYPE.items())
    ),
    "tracks": _Channel("receive", "readCatalogue", (_value(Track, "segue.track.v1"),)),
    "users": _Channel("receive", "readAttributes", (_value(User, "segue.user.v1"),)),
    "recommendations": _Channel("send", "recommend", (_value(Recommendation, cloudevents.RECOMMENDATION),)),
    "dead-letters": _Channel("send", "refuse", (_REFUSED,)),
    "answers": _Channel("send", "answer", (_value(Answer, cloudevents.ANSWER),)),
    "decisions": _Channel("send", "decide", (_value(Decision, cloudevents.DECISION),)),
}


def asyncapi() -> Schema:
    """The document, as plain data."""
    settings = Settings()
    topics = {topic.suffix: topic for topic in table(settings) if not topic.suffix.startswith(_INTERNAL)}
    assert topics.keys() == _CHANNELS.keys(), "every public topic is described here, and no other"
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Segue",
            "version": CONTRACT_VERSION,
            "description": "Turns a stream of plays into a stream of recommendations. In prose: docs/contract.md.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {_id(topic): _channel(topic, settings) for topic in topics.values()},
        "operations": {_CHANNELS[topic.suffix].operation: _operation(topic) for topic in topics.values()},
        "components": {
            "messages": {message.name: _message(message, topics[suffix]) for suffix, it in _CHANNELS.items() for message in it.messages},
            "schemas": components(
                (*EVENT_BY_TYPE.values(), Track, User, Recommendation, Answer, Decision, CloudEventHeaders, DeadLetterHeaders), _SCHEMAS
            ),
        },
    }


def _id(topic: Topic) -> str:
    """The channel's name inside of the document.

    >>> _id(Topic("dead-letters", "", 1, {}, ""))
    'deadLetters'
    """
    first, *rest = topic.suffix.split("-")
    return first + "".join(word.capitalize() for word in rest)


def _channel(topic: Topic, settings: Settings) -> Schema:
    messages = _CHANNELS[topic.suffix].messages
    return {
        "address": "{namespace}." + topic.suffix,
        "description": topic.holds,
        "parameters": {"namespace": {"description": "SEGUE_NAMESPACE", "default": settings.namespace}},
        "messages": {message.name: {"$ref": f"#/components/messages/{message.name}"} for message in messages},
        "bindings": {
            "kafka": {
                "partitions": topic.partitions,
                "replicas": settings.kafka_replication,
                "topicConfiguration": {name: _config(name, value) for name, value in topic.config.items() if name in _SHOWN_CONFIG},
                "bindingVersion": KAFKA_BINDING,
            }
        },
    }


def _config(name: str, value: str) -> Any:
    return value.split(",") if name == "cleanup.policy" else int(value)


def _operation(topic: Topic) -> Schema:
    channel = _CHANNELS[topic.suffix]
    return {
        "action": channel.action,
        "channel": {"$ref": f"#/channels/{_id(topic)}"},
        "messages": [{"$ref": f"#/channels/{_id(topic)}/messages/{message.name}"} for message in channel.messages],
    }


def _message(message: _Message, topic: Topic) -> Schema:
    headers: list[Schema] = [reference(CloudEventHeaders, _SCHEMAS)]
    if message is _REFUSED:
        headers.append(reference(DeadLetterHeaders, _SCHEMAS))
    return {
        "name": message.ce_type or message.name,
        "title": message.name,
        "summary": message.summary,
        "headers": {"type": "object", "allOf": headers},
        "payload": message.payload,
        "bindings": {"kafka": {"key": {"type": "string", "description": topic.key}, "bindingVersion": KAFKA_BINDING}},
    }
