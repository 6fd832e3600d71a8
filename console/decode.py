"""Records made readable: JSON as it is, internal sections by their headers, anything else as text or hex."""

from __future__ import annotations

from typing import Any

import msgspec
from confluent_kafka import Message

from streams.sections import DELTAS, LESSONS, BadSection, read_sections

KINDS = {DELTAS: "deltas", LESSONS: "lessons"}
HEX_BYTES_MAX = 64


def shown(message: Message) -> dict[str, Any]:
    """One record as plain values that JSON can hold."""
    key, raw = as_bytes(message.key()), as_bytes(message.value())
    return {
        "partition": message.partition(),
        "offset": message.offset(),
        "at": message.timestamp()[1],
        "key": None if key is None else text(key),
        "headers": {name: None if each is None else text(as_bytes(each) or b"") for name, each in message.headers() or []},
        "value": internal(raw) if ".internal." in (message.topic() or "") else value(raw),
    }


def value(raw: bytes | None) -> Any:
    """JSON decoded; what is no JSON as `text`; None (a tombstone) stays None.

    >>> value(b'{"a": 1}'), value(b"plain"), value(None)
    ({'a': 1}, 'plain', None)
    """
    if raw is None:
        return None
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return text(raw)


def text(raw: bytes) -> Any:
    """UTF-8 text, or the first bytes in hex.

    >>> text(bytes([255, 254]))
    {'hex': 'fffe', 'bytes': 2}
    """
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return {"hex": raw[:HEX_BYTES_MAX].hex(), "bytes": len(raw)}


def internal(raw: bytes | None) -> Any:
    """The headers of the sections of a record of deltas or lessons."""
    try:
        return [
            {
                "kind": KINDS.get(section.kind, section.kind),
                "incarnation": section.incarnation,
                "source": section.source,
                "first": section.first,
                "n": section.n,
                "bytes": len(section.body),
            }
            for section in read_sections(raw or b"")
        ]
    except BadSection:
        return value(raw)


def as_bytes(part: str | bytes | None) -> bytes | None:
    """confluent-kafka types keys and values as text or bytes."""
    return part.encode() if isinstance(part, str) else part
