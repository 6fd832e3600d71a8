"""Which records of `events` are events, and which must become dead letters: the contract, written again."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, NamedTuple

import msgspec

from tests.oracle.logs import Read
from tests.oracle.names import partition_of, plain

FIRST_MS: Final = 1_033_430_400_000
"""2002-10-01T00:00:00Z: nothing was played before."""
LAST_MS: Final = 253_402_300_799_999
AHEAD_MS: Final = 10 * 60 * 1000
VALUE_BYTES_MAX: Final = 10_240
ID_CHARS_MAX: Final = 128
SPAN_MS_MAX: Final = 24 * 24 * 3600 * 1000
ROW_MAX: Final = 2**53 - 1
DEPTH_MAX: Final = 256
CONTEXT_MAX: Final = 50
APPLIED_TYPES: Final = frozenset({"play", "like", "dislike", "undo", "block", "unblock", "forget", "pause", "resume", "radio", "erase"})
FOR_EVER_S: Final = 2**32 - 1
REASONS: Final = frozenset({"json", "schema", "version", "oversize", "timestamp", "key", "null", "handler"})

_CE_TYPE: Final = re.compile(r"segue\.([a-z_-]{1,32})\.v1")
_RFC3339: Final = Annotated[datetime, msgspec.Meta(tz=True)]
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_json: Final = msgspec.json.Decoder().decode


class Event(NamedTuple):
    """One valid event; None = the field is absent."""

    type: str
    event_id: str
    user_id: str
    track_id: str
    at_ms: int
    ms_played: int | None
    duration_ms: int | None
    reason_end: str | None
    session_id: str | None
    private: bool
    source: str | None
    """Of an import."""
    row: int
    target: str = ""
    """Id of the event that is undone or forgotten."""
    until_s: int = FOR_EVER_S
    """When a block ends."""
    n: int = 0
    """Tracks that a radio asks for."""
    artist: str | None = None
    """Of a play who made the track; of a block or an unblock who it is about, where it is about no track."""
    album: str | None = None
    """Of a play."""


class Rejected(NamedTuple):
    """A record that is no event; the reason is the judge's own idea of it."""

    reason: str


class Refused(Exception):
    """Carries the reason out of a check."""


def judge_record(read: Read, partition: int, n_partitions: int) -> Event | Rejected:
    """The event in one record of partition `partition` of `n_partitions`, or why there is none."""
    try:
        return _judge(read, partition, n_partitions)
    except Refused as refused:
        return Rejected(str(refused))


def _judge(read: Read, partition: int, n_partitions: int) -> Event:
    if read.value is None or read.key is None:
        raise Refused("null")
    if len(read.value) > VALUE_BYTES_MAX:
        raise Refused("oversize")
    told = _value(read.value)
    name = _type(told, read.headers)
    event = _play(told, read) if name == "play" else _act(name, told, read)
    if event.at_ms > read.at_ms + AHEAD_MS:
        raise Refused("timestamp")
    if read.key != event.user_id.encode() or partition_of(read.key, n_partitions) != partition:
        raise Refused("key")
    return event


def _value(value: bytes) -> dict[str, Any]:
    try:
        value.decode()
        told = _json(value)
    except (UnicodeError, msgspec.DecodeError, RecursionError):
        raise Refused("json") from None
    if not isinstance(told, dict) or _depth_over(told, value) or (b"\\u0000" in value and _holds_nul(told)):
        raise Refused("schema")
    return told


def _depth_over(told: object, value: bytes) -> bool:
    if value.count(b"[") + value.count(b"{") <= DEPTH_MAX:
        return False
    level: list[object] = [told]
    for _ in range(DEPTH_MAX):
        level = [child for node in level for child in _children(node) if isinstance(child, dict | list)]
    return bool(level)


def _children(node: object) -> Sequence[object]:
    if isinstance(node, dict):
        return list(node.values())
    return node if isinstance(node, list) else ()


def _holds_nul(node: object) -> bool:
    if isinstance(node, str):
        return "\0" in node
    if isinstance(node, dict):
        return any("\0" in key for key in node) or any(map(_holds_nul, node.values()))
    return isinstance(node, list) and any(map(_holds_nul, node))


def _type(told: dict[str, Any], headers: Sequence[tuple[str, bytes | None]]) -> str:
    name = told.get("type", "play")
    if not isinstance(name, str):
        raise Refused("schema")
    declared = _header(headers, "ce_type")
    if declared is not None:
        match = _CE_TYPE.fullmatch(declared.decode("utf-8", "replace"))
        if match is None or match[1] != name:
            raise Refused("version")
    if name not in APPLIED_TYPES:
        raise Refused("version")
    return name


def _header(headers: Sequence[tuple[str, bytes | None]], name: str) -> bytes | None:
    for key, value in reversed(headers):
        if key == name:
            return value
    return None


def _play(told: dict[str, Any], read: Read) -> Event:
    for name, check in _PLAY_EXTRAS.items():
        if name in told and not check(told[name]):
            raise Refused("schema")
    imported = told.get("import")
    if "played_at" not in told:
        raise Refused("schema")
    return Event(
        type="play",
        event_id=_event_id(told, read),
        user_id=_id(told.get("user_id")),
        track_id=_id(told.get("track_id")),
        at_ms=_at_ms(told["played_at"]),
        ms_played=told.get("ms_played"),
        duration_ms=told.get("duration_ms"),
        reason_end=told.get("reason_end"),
        session_id=None if told.get("session_id") is None else _id(told["session_id"]),
        private=told.get("private", False),
        source=imported["source"] if imported else None,
        row=imported["row"] if imported else -1,
        artist=told.get("artist"),
        album=told.get("album"),
    )


def _act(name: str, told: dict[str, Any], read: Read) -> Event:
    at_ms = read.at_ms if told.get("at") is None else _at_ms(told["at"])
    track_id = target = ""
    until_s = FOR_EVER_S
    artist = told.get("artist") if name in {"block", "unblock"} else None
    if artist is not None:
        if not _is_text(512)(artist) or not plain(artist) or told.get("track_id") is not None:
            raise Refused("schema")
    elif name in {"like", "dislike", "block", "unblock"} or (name in {"forget", "radio"} and told.get("track_id") is not None):
        track_id = _id(told.get("track_id"))
    if name == "undo":
        target = _id(told.get("undone_event_id"))
    if name == "forget" and (told.get("forgotten_event_id") is not None or not track_id):
        target = _id(told.get("forgotten_event_id"))
    if track_id and target:
        raise Refused("schema")
    if name == "block" and told.get("until") is not None:
        until_s = min(-(-_at_ms(told["until"]) // 1000), FOR_EVER_S)
    n = _radio(told) if name == "radio" else 0
    event_id, user_id = _event_id(told, read), _id(told.get("user_id"))
    return Event(name, event_id, user_id, track_id, at_ms, None, None, None, None, False, None, -1, target, until_s, n, artist)


def _radio(told: dict[str, Any]) -> int:
    """How many tracks are asked for."""
    artist = told.get("artist")
    if not _is_text(512)(artist) or (artist is not None and (told.get("track_id") is not None or not artist.strip())):
        raise Refused("schema")
    n, spacing, drift = told.get("n", 50), told.get("spacing", 5), told.get("drift", 0.5)
    whole = type(n) is int and 1 <= n <= 200 and type(spacing) is int and 0 <= spacing <= 20
    if not whole or type(drift) not in (int, float) or not 0 <= drift <= 1:
        raise Refused("schema")
    return int(n)


def _event_id(told: dict[str, Any], read: Read) -> str:
    if "event_id" in told:
        return _id(told["event_id"])
    try:
        return _id((_header(read.headers, "ce_id") or b"").decode())
    except UnicodeDecodeError:
        raise Refused("schema") from None


def _id(value: object) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= ID_CHARS_MAX or value.isspace() or "\0" in value:
        raise Refused("schema")
    return value


def _at_ms(value: object) -> int:
    if isinstance(value, str):
        try:
            at_ms: int = (msgspec.convert(value, _RFC3339) - _EPOCH) // timedelta(milliseconds=1)
        except msgspec.ValidationError:
            raise Refused("schema") from None
    elif isinstance(value, int) and not isinstance(value, bool):
        at_ms = value
    else:
        raise Refused("schema")
    if not FIRST_MS <= at_ms <= LAST_MS:
        raise Refused("timestamp")
    return at_ms


def _is_id(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= ID_CHARS_MAX


def _is_span(value: object) -> bool:
    return value is None or (type(value) is int and 0 <= value <= SPAN_MS_MAX)


def _is_text(chars_max: int) -> Callable[[object], bool]:
    return lambda value: value is None or (isinstance(value, str) and len(value) <= chars_max)


def _is_context(value: object) -> bool:
    if value is None:
        return True
    if not isinstance(value, dict) or len(value) > CONTEXT_MAX:
        return False
    scalars = all(
        each is None or isinstance(each, bool | int | float) or (isinstance(each, str) and len(each) <= 256) for each in value.values()
    )
    return scalars and all(len(key) <= 64 for key in value)


def _is_import(value: object) -> bool:
    if value is None:
        return True
    if not isinstance(value, dict):
        return False
    source, row = value.get("source"), value.get("row")
    return _is_id(source) and not str(source).isspace() and type(row) is int and 0 <= row <= ROW_MAX


_PLAY_EXTRAS: Final[dict[str, Callable[[object], bool]]] = {
    "ms_played": _is_span,
    "duration_ms": _is_span,
    "reason_end": _is_text(64),
    "private": lambda value: isinstance(value, bool),
    "context": _is_context,
    "recommendation_id": lambda value: value is None or _is_id(value),
    "track": _is_text(512),
    "artist": _is_text(512),
    "album": _is_text(512),
    "import": _is_import,
}
