"""The careful way to judge one record: every check of the contract, in the order that decides its reason.

`intake.py` takes a quick way for healthy plays and comes here with all else; a property test holds that both
give the same answer. What becomes of a record depends on the record alone: its value, key, headers, append
time and partition; never on the clock, the stack that is left, or what came before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple, Protocol

import msgspec
import numpy as np

from streams.artists import plain
from streams.contract import (
    AHEAD_MS_MAX,
    AT_MS_MAX,
    AT_MS_MIN,
    DEPTH_MAX,
    EVENT_BY_TYPE,
    EVENT_BYTES_MAX,
    ID_CHARS_MAX,
    Block,
    Event,
    Forget,
    Play,
    Radio,
    Reason,
    Unblock,
)
from streams.partitioner import partition_of
from streams.ports import Record

MAJOR: Final = "v1"
CE_TYPE: Final = re.compile(r"segue\.([a-z_-]{1,32})\.(v[0-9]{1,6})")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
_STRINGS: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
"""Texts of a JSON value. Possessive, and content with no closing quote: one pass over whatever somebody sends."""

_STEPS: Final = np.zeros(256, np.int16)
_STEPS[[*b"[{"]] = 1
_STEPS[[*b"]}"]] = -1
_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_OUT_OF_BOUNDS: Final = re.compile(r"Expected `int` [<>]= \d+ - at `\$\.(played_at|at|until)`")


class Rejected(Exception):
    """A record that cannot be applied: bad data, so it becomes a dead letter and is never tried again."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message


class Screened(NamedTuple):
    """An event that may be applied, with its id filled in, and its times in epoch ms."""

    event: Event
    at_ms: int
    until_ms: int | None
    """When a block ends; None = never, or no block."""


class _Typed(msgspec.Struct):
    """Only the type: the rest of the value may be of a version that we do not know."""

    type: str = "play"


class _Decode(Protocol):
    def __call__(self, value: bytes, /) -> Event: ...


_is_json = msgspec.json.Decoder(msgspec.Raw).decode
_typed = msgspec.json.Decoder(_Typed).decode
_DECODE: Final[dict[str, _Decode]] = {name: msgspec.json.Decoder(struct).decode for name, struct in EVENT_BY_TYPE.items()}


def screen(record: Record, partition: int, partition_count: int) -> Screened:
    """The event in `record`, which lies on `partition` of `partition_count`.

    Raises:
        Rejected: with the first reason that applies, in the order of this function.
    """
    value = _present(record)
    _check_size(value)
    declared = _declared_type(record.headers)
    check_json(value)
    name = _type(value, declared)
    event = _identified(_shaped(value, name), record.headers)
    _check_applied(event)
    _check_ids(event)
    at_ms, until_ms = _time(event, record.timestamp), _until(event)
    _check_key(record.key, event.user_id, partition, partition_count)
    return Screened(event, at_ms, until_ms)


def header(headers: Sequence[tuple[str, bytes]], name: str) -> bytes | None:
    """The last header called `name`, as Kafka's own `lastHeader` reads a repeated one."""
    for key, value in reversed(headers):
        if key == name:
            return value
    return None


def epoch_ms(at: datetime) -> int:
    """An aware datetime as epoch ms, rounded down.

    >>> epoch_ms(datetime(2025, 12, 1, 9, 40, 0, 12_900, tzinfo=UTC))
    1764582000012
    """
    return (at - _EPOCH) // _MS


def has_nul(value: bytes) -> bool:
    r"""Whether a JSON text spells the character NUL (a raw one is no JSON, and an escaped backslash no NUL).

    >>> has_nul(rb'"a\u0000"'), has_nul(rb'"a\\u0000"')
    (True, False)
    """
    return b"\\u0000" in value and _NUL.search(value) is not None


def is_deep(value: bytes) -> bool:
    """Whether brackets outside of strings nest deeper than `DEPTH_MAX`; reads broken JSON as well."""
    if value.count(b"[") + value.count(b"{") <= DEPTH_MAX:
        return False
    steps = _STEPS[np.frombuffer(_STRINGS.sub(b"", value), np.uint8)]
    return bool(np.cumsum(steps).max(initial=0) > DEPTH_MAX)


def check_json(value: bytes) -> None:
    """Whether a value is JSON that every reader bears. Raises Rejected."""
    try:
        value.decode()
    except UnicodeDecodeError as error:
        raise Rejected(Reason.JSON, f"the value is not UTF-8: {error.reason} at byte {error.start}") from None
    if is_deep(value):
        raise Rejected(Reason.SCHEMA, f"the value nests deeper than {DEPTH_MAX} levels")
    try:
        _is_json(value)
    except msgspec.DecodeError as error:
        raise Rejected(Reason.JSON, f"the value is not JSON: {error}") from None
    if has_nul(value):
        raise Rejected(Reason.SCHEMA, "a text holds the character NUL (\\u0000)")


def check_partition(key: bytes, partition: int, partition_count: int) -> None:
    """Whether Kafka's own partitioner puts `key` on `partition`. Raises Rejected."""
    right = partition_of(key, partition_count)
    if right != partition:
        raise Rejected(
            Reason.KEY,
            f"the key belongs to partition {right} of {partition_count}, not {partition}: set the producer's partitioner to murmur2"
            " (librdkafka: partitioner=murmur2_random)",
        )


def _present(record: Record) -> bytes:
    if record.value is None:
        raise Rejected(Reason.NULL, "the value is null; to delete a user send an event of type erase")
    if record.key is None:
        raise Rejected(Reason.NULL, "the key is null; it must be the user_id as UTF-8")
    return record.value


def _check_size(value: bytes) -> None:
    if len(value) > EVENT_BYTES_MAX:
        raise Rejected(Reason.OVERSIZE, f"the value has {len(value)} bytes; an event may have {EVENT_BYTES_MAX}")


def _declared_type(headers: Sequence[tuple[str, bytes]]) -> str | None:
    """The type that ce_type names; None without the header."""
    raw = header(headers, "ce_type")
    if raw is None:
        return None
    match = CE_TYPE.fullmatch(raw.decode("utf-8", "replace"))
    if match is None or match[2] != MAJOR or match[1] not in EVENT_BY_TYPE:
        raise Rejected(
            Reason.VERSION, f"ce_type {_shown(raw)} is unknown; this release reads segue.<type>.{MAJOR}, types: {_listed(EVENT_BY_TYPE)}"
        )
    return match[1]


def _type(value: bytes, declared: str | None) -> str:
    try:
        name = _typed(value).type
    except msgspec.ValidationError as error:
        raise Rejected(Reason.SCHEMA, str(error)) from None
    if name not in EVENT_BY_TYPE:
        raise Rejected(Reason.VERSION, f"type {_shown(name.encode())} is unknown; this release knows {_listed(EVENT_BY_TYPE)}")
    if declared is not None and declared != name:
        raise Rejected(Reason.VERSION, f"ce_type says {declared}, and the value's type is {name}")
    return name


def _shaped(value: bytes, name: str) -> Event:
    try:
        return _DECODE[name](value)
    except msgspec.ValidationError as error:
        match = _OUT_OF_BOUNDS.fullmatch(str(error))
        if match:
            raise Rejected(Reason.TIMESTAMP, f"{match[1]} is not between {AT_MS_MIN} (2002-10-01) and {AT_MS_MAX}, in ms") from None
        raise Rejected(Reason.SCHEMA, str(error)) from None


def _identified(event: Event, headers: Sequence[tuple[str, bytes]]) -> Event:
    """The event with an id: its own, or the header's."""
    if event.event_id:
        return event
    raw = header(headers, "ce_id")
    if raw is None:
        raise Rejected(Reason.SCHEMA, "Object missing required field `event_id`, and there is no header ce_id")
    try:
        event_id = raw.decode()
    except UnicodeDecodeError:
        raise Rejected(Reason.SCHEMA, "the header ce_id, which stands for event_id, is not UTF-8") from None
    if not 1 <= len(event_id) <= ID_CHARS_MAX or "\0" in event_id:
        raise Rejected(Reason.SCHEMA, f"the header ce_id, which stands for event_id, must have 1 to {ID_CHARS_MAX} characters, and no NUL")
    return msgspec.structs.replace(event, event_id=event_id)


def _check_applied(event: Event) -> None:
    """Refuse what names nothing, or two things."""
    if isinstance(event, Forget) and (event.track_id is None) == (event.forgotten_event_id is None):
        raise Rejected(Reason.SCHEMA, "a forget names a track_id or a forgotten_event_id: one of the two")
    if isinstance(event, Radio):
        _check_start(event)
    if not isinstance(event, Block | Unblock):
        return
    if (event.track_id is None) == (event.artist is None):
        raise Rejected(Reason.SCHEMA, "a block names a track_id or an artist: one of the two")
    if event.artist is not None and not plain(event.artist):
        raise Rejected(Reason.SCHEMA, "Expected more than white space - at `$.artist`")


def _check_start(radio: Radio) -> None:
    if radio.track_id is not None and radio.artist is not None:
        raise Rejected(Reason.SCHEMA, "a radio starts from a track_id or from an artist, or from neither: not from both")
    if radio.artist is not None and not radio.artist.strip():
        raise Rejected(Reason.SCHEMA, "Expected more than white space - at `$.artist`")


def _check_ids(event: Event) -> None:
    for name in ("event_id", "user_id", "track_id", "session_id", "undone_event_id", "forgotten_event_id"):
        text = getattr(event, name, None)
        if text is not None and text.isspace():
            raise Rejected(Reason.SCHEMA, f"Expected more than white space - at `$.{name}`")
    if isinstance(event, Play) and event.import_ is not None and event.import_.source.isspace():
        raise Rejected(Reason.SCHEMA, "Expected more than white space - at `$.import.source`")


def _time(event: Event, appended_ms: int) -> int:
    """When it happened, epoch ms; an event without a time happened when it was appended."""
    name, at = ("played_at", event.played_at) if isinstance(event, Play) else ("at", event.at)
    if at is None:
        return appended_ms
    at_ms = at if isinstance(at, int) else epoch_ms(at)
    if at_ms < AT_MS_MIN:
        raise Rejected(Reason.TIMESTAMP, f"{name} is {at_ms} ms, before 2002-10-01; seconds instead of ms?")
    if at_ms > appended_ms + AHEAD_MS_MAX:
        raise Rejected(
            Reason.TIMESTAMP,
            f"{name} is {at_ms} ms, {at_ms - appended_ms} ms after the record was appended; up to {AHEAD_MS_MAX} ms are accepted",
        )
    return at_ms


def _until(event: Event) -> int | None:
    """When a block ends, epoch ms; any time from 2002 on, the past included, which is a block that has ended."""
    if not isinstance(event, Block) or event.until is None:
        return None
    until_ms = event.until if isinstance(event.until, int) else epoch_ms(event.until)
    if until_ms < AT_MS_MIN:
        raise Rejected(Reason.TIMESTAMP, f"until is {until_ms} ms, before 2002-10-01; seconds instead of ms?")
    return until_ms


def _check_key(key: bytes | None, user_id: str, partition: int, partition_count: int) -> None:
    assert key is not None, "a null key was refused before"
    if key != user_id.encode():
        raise Rejected(Reason.KEY, "the key is not the value's user_id as raw UTF-8")
    check_partition(key, partition, partition_count)


def _shown(raw: bytes) -> str:
    """A producer's text for a message: short, and with nothing that a terminal obeys."""
    return ascii(raw[:64].decode("utf-8", "replace"))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
