"""Every kind of bad record that has a name, with the reason it must be refused for."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from streams.contract import Reason
from streams.partitioner import partition_of
from tests.events_log import APPENDED_MS, PARTITIONS, Appended, appended, play_json


class Bad(NamedTuple):
    name: str
    reason: Reason
    record: Appended
    says: str
    """A part of the message."""


def _bad(name: str, reason: str, says: str, value: bytes | None, **record: object) -> Bad:
    return Bad(name, Reason(reason), appended(value, **record), says)  # type: ignore[arg-type]


def _with(raw: bytes, name: bytes = b"x") -> bytes:
    """A good play with one more field, spelled raw."""
    return play_json()[:-1] + b',"' + name + b'":' + raw + b"}"


def _of_type(name: str, **fields: object) -> bytes:
    return msgspec.json.encode({"type": name, "event_id": "e", "user_id": "ana"} | fields)


def _headers(ce_type: bytes) -> list[tuple[str, bytes]]:
    return [("ce_type", ce_type)]


NULLS = [
    _bad("null value", "null", "erase", None),
    _bad("null key", "null", "user_id", play_json(), key=None),
    _bad("null key and value", "null", "value", None, key=None),
]

NOT_JSON = [
    _bad("nothing", "json", "not JSON", b""),
    _bad("text", "json", "not JSON", b"hello"),
    _bad("cut off", "json", "truncated", play_json()[:-1]),
    _bad("two values", "json", "trailing", play_json() + play_json()),
    _bad("trailing comma", "json", "not JSON", play_json()[:-1] + b",}"),
    _bad("trailing NUL", "json", "trailing", play_json() + b"\0"),
    _bad("byte order mark", "json", "not JSON", b"\xef\xbb\xbf" + play_json()),
    _bad("UTF-16", "json", "not", play_json().decode().encode("utf-16")),
    _bad("NaN in a known field", "json", "not JSON", _with(b"NaN", b"ms_played")),
    _bad("NaN in an unknown field", "json", "not JSON", _with(b"NaN")),
    _bad("Infinity", "json", "not JSON", _with(b"Infinity", b"duration_ms")),
    _bad("-Infinity in an unknown field", "json", "not JSON", _with(b"-Infinity")),
    _bad("leading zero", "json", "not JSON", _with(b"01")),
    _bad("hexadecimal", "json", "not JSON", _with(b"0x10")),
    _bad("single quotes", "json", "not JSON", b"{'user_id':'ana'}"),
    _bad("comment", "json", "not JSON", play_json() + b"// no"),
    _bad("unquoted name", "json", "not JSON", b'{user_id:"ana"}'),
    _bad("raw NUL in an id", "json", "not JSON", play_json().replace(b"t42", b"t\x0042")),
    _bad("raw NUL in an unknown field", "json", "not JSON", _with(b'"\0"')),
    _bad("raw line feed in an id", "json", "not JSON", play_json().replace(b"t42", b"t\n42")),
    _bad("unknown escape", "json", "not JSON", _with(b'"\\q"')),
    _bad("half an escape", "json", "not JSON", _with(b'"\\u00"')),
    _bad("bad UTF-8 in an id", "json", "not UTF-8", play_json().replace(b"t42", b"t\xff42")),
    _bad("bad UTF-8 in an unknown field", "json", "not UTF-8", _with(b'"\xff"')),
    _bad("bad UTF-8 in an unknown name", "json", "not UTF-8", _with(b"1", b"\xc3\x28")),
    _bad("overlong UTF-8", "json", "not UTF-8", play_json().replace(b"t42", b"\xc0\xaf")),
    _bad("cut UTF-8 at the end of a text", "json", "not UTF-8", play_json().replace(b"t42", b"t\xe2\x82")),
    _bad("surrogate as bytes", "json", "not UTF-8", play_json().replace(b"t42", b"\xed\xa0\x80")),
    _bad("lone high surrogate", "json", "not JSON", play_json().replace(b"t42", b"\\ud800x")),
    _bad("lone low surrogate", "json", "not JSON", play_json().replace(b"t42", b"\\udc00")),
    _bad("swapped surrogates", "json", "not JSON", play_json().replace(b"t42", b"\\ude00\\ud83d")),
    _bad("lone surrogate in an unknown field", "json", "not JSON", _with(b'"\\ud800"')),
    _bad("lone low surrogate in an unknown field", "json", "not JSON", _with(b'"\\udc00"')),
    _bad("schema registry framing", "json", "not JSON", b"\x00\x00\x00\x00\x2a" + play_json()),
    _bad("gzip", "json", "not UTF-8", bytes.fromhex("1f8b0800000000000003")),
]

WRONG_SHAPE = [
    _bad("array", "schema", "object", b"[" + play_json() + b"]"),
    _bad("text as value", "schema", "object", b'"ana"'),
    _bad("number as value", "schema", "object", b"5"),
    _bad("null as JSON", "schema", "object", b"null"),
    _bad("empty object", "schema", "user_id", b"{}"),
    _bad("no user_id", "schema", "user_id", play_json(user_id=...)),
    _bad("no track_id", "schema", "track_id", play_json(track_id=...)),
    _bad("no played_at", "schema", "played_at", play_json(played_at=...)),
    _bad("no event_id anywhere", "schema", "event_id", play_json(event_id=...)),
    _bad("no event_id beside other headers", "schema", "event_id", play_json(event_id=...), headers=[("ce_type", b"segue.play.v1")]),
    _bad("event_id null", "schema", "event_id", play_json(event_id=None), headers=[("ce_id", b"x")]),
    _bad("event_id empty", "schema", "event_id", play_json(event_id=""), headers=[("ce_id", b"x")]),
    _bad("ce_id empty", "schema", "ce_id", play_json(event_id=...), headers=[("ce_id", b"")]),
    _bad("ce_id too long", "schema", "ce_id", play_json(event_id=...), headers=[("ce_id", b"x" * 129)]),
    _bad("ce_id not UTF-8", "schema", "ce_id", play_json(event_id=...), headers=[("ce_id", b"\xff")]),
    _bad("ce_id with NUL", "schema", "ce_id", play_json(event_id=...), headers=[("ce_id", b"a\0")]),
    _bad("ce_id of white space", "schema", "event_id", play_json(event_id=...), headers=[("ce_id", b" \t")]),
    _bad("user_id a number", "schema", "user_id", play_json(user_id=5)),
    _bad("user_id null", "schema", "user_id", play_json(user_id=None)),
    _bad("user_id empty", "schema", "user_id", play_json(user_id=""), key=b""),
    _bad("user_id too long", "schema", "user_id", play_json(user_id="u" * 129), key=b"u" * 129),
    _bad("user_id of white space", "schema", "user_id", play_json(user_id=" \t"), key=b" \t"),
    _bad("track_id of white space", "schema", "track_id", play_json(track_id="\u2003")),
    _bad("event_id of white space", "schema", "event_id", play_json(event_id="  ")),
    _bad("session_id of white space", "schema", "session_id", play_json(session_id=" ")),
    _bad("session_id empty", "schema", "session_id", play_json(session_id="")),
    _bad("track_id an object", "schema", "track_id", play_json(track_id={})),
    _bad("escaped NUL in an id", "schema", "NUL", play_json().replace(b"t42", b"t\\u000042")),
    _bad("escaped NUL behind an escaped backslash", "schema", "NUL", play_json().replace(b"t42", b"t\\\\\\u0000")),
    _bad("escaped NUL in an unknown field", "schema", "NUL", _with(b'"\\u0000"')),
    _bad("escaped NUL in a name", "schema", "NUL", _with(b"1", b"\\u0000")),
    _bad("nesting of known fields", "schema", "context", _with(b'{"a":{"b":1}}', b"context")),
    _bad("deep arrays", "schema", "deeper", _with(b"[" * 4_000 + b"]" * 4_000)),
    _bad("deep objects", "schema", "deeper", _with(b'{"a":' * 1_000 + b"1" + b"}" * 1_000)),
    _bad("deep and never closed", "schema", "deeper", b"[" * 10_000),
    _bad("played_at a float", "schema", "played_at", play_json(played_at=1764582000000.0)),
    _bad("played_at true", "schema", "played_at", play_json(played_at=True)),
    _bad("played_at null", "schema", "played_at", play_json(played_at=None)),
    _bad("played_at digits in a text", "schema", "RFC3339", play_json(played_at="1764582000000")),
    _bad("played_at without a zone", "schema", "timezone", play_json(played_at="2025-12-01T09:40:00")),
    _bad("played_at a day", "schema", "RFC3339", play_json(played_at="2025-12-01")),
    _bad("played_at on 30 February", "schema", "RFC3339", play_json(played_at="2025-02-30T00:00:00Z")),
    _bad("played_at in a leap second", "schema", "RFC3339", play_json(played_at="2016-12-31T23:59:60Z")),
    _bad("ms_played negative", "schema", "ms_played", play_json(ms_played=-1)),
    _bad("ms_played above 24 days", "schema", "ms_played", play_json(ms_played=2_073_600_001)),
    _bad("ms_played a float", "schema", "ms_played", play_json(ms_played=1.5)),
    _bad("ms_played a whole float", "schema", "ms_played", _with(b"1e3", b"ms_played")),
    _bad("ms_played a text", "schema", "ms_played", play_json(ms_played="184000")),
    _bad("ms_played beyond 64 bits", "schema", "ms_played", play_json(ms_played=2**64)),
    _bad("duration_ms beyond 32 bits", "schema", "duration_ms", play_json(duration_ms=2**31)),
    _bad("private a number", "schema", "private", play_json(private=1)),
    _bad("private null", "schema", "private", play_json(private=None)),
    _bad("reason_end too long", "schema", "reason_end", play_json(reason_end="x" * 65)),
    _bad("context of 51 entries", "schema", "context", play_json(context={str(n): n for n in range(51)})),
    _bad("context with a number beyond a double", "schema", "context", _with(b'{"a":1e999}', b"context")),
    _bad("artist a number", "schema", "artist", play_json(artist=5)),
    _bad("album too long", "schema", "album", play_json(album="x" * 513)),
    _bad("import without a row", "schema", "row", play_json(**{"import": {"source": "f"}})),
    _bad("import row negative", "schema", "row", play_json(**{"import": {"source": "f", "row": -1}})),
    _bad("import row beyond 2**53", "schema", "row", play_json(**{"import": {"source": "f", "row": 2**53}})),
    _bad("import row beyond 64 bits", "schema", "row", play_json(**{"import": {"source": "f", "row": 2**200}})),
    _bad("import source of white space", "schema", "import.source", play_json(**{"import": {"source": " ", "row": 1}})),
    _bad("type a number", "schema", "type", play_json(type=5)),
    _bad("type null", "schema", "type", play_json(type=None)),
    _bad("block of nothing", "schema", "one of the two", _of_type("block")),
    _bad("block of both", "schema", "one of the two", _of_type("block", track_id="t", artist="a")),
    _bad("block of an artist without a name", "schema", "artist", _of_type("block", artist=" \u00a0")),
    _bad("unblock of an artist without a letter", "schema", "artist", _of_type("unblock", artist="")),
    _bad("block of a long artist", "schema", "artist", _of_type("block", artist="x" * 513)),
    _bad("block without a user", "schema", "user_id", b'{"type":"block","event_id":"e","track_id":"t"}'),
    _bad("block with a time that is no time", "schema", "at", _of_type("block", track_id="t", at="soon")),
    _bad("unblock of nothing", "schema", "one of the two", _of_type("unblock")),
    _bad("block until a word", "schema", "until", _of_type("block", track_id="t", until="tomorrow")),
    _bad("like of nothing", "schema", "track_id", _of_type("like")),
    _bad("dislike of a number", "schema", "track_id", _of_type("dislike", track_id=5)),
    _bad("undo of nothing", "schema", "undone_event_id", _of_type("undo", track_id="t")),
    _bad("undo of white space", "schema", "undone_event_id", _of_type("undo", undone_event_id=" ")),
    _bad("forget nothing", "schema", "one of the two", _of_type("forget")),
    _bad("forget two things", "schema", "one of the two", _of_type("forget", track_id="t", forgotten_event_id="e")),
    _bad("forget white space", "schema", "forgotten_event_id", _of_type("forget", forgotten_event_id="  ")),
    _bad("pause without a user", "schema", "user_id", b'{"type":"pause","event_id":"e"}'),
    _bad("erase without an id", "schema", "event_id", b'{"type":"erase","user_id":"ana"}'),
    _bad("CloudEvents structured mode", "schema", "user_id", b'{"specversion":"1.0","id":"e","data":' + play_json() + b"}"),
    _bad("last of two equal names counts", "schema", "track_id", _with(b"5", b"track_id")),
]

VERSIONS = [
    _bad("ce_type of the next major", "version", "segue.play.v2", play_json(), headers=_headers(b"segue.play.v2")),
    _bad("ce_type of a far major", "version", "v99", b"{}", headers=_headers(b"segue.play.v99")),
    _bad("ce_type of another product", "version", "com.example", play_json(), headers=_headers(b"com.example.play.v1")),
    _bad("ce_type of an unknown type", "version", "dance", play_json(), headers=_headers(b"segue.dance.v1")),
    _bad("ce_type without a major", "version", "segue.play", play_json(), headers=_headers(b"segue.play")),
    _bad("ce_type empty", "version", "unknown", play_json(), headers=_headers(b"")),
    _bad("ce_type not UTF-8", "version", "unknown", play_json(), headers=_headers(b"\xff\xfe")),
    _bad("ce_type with escape codes", "version", "\\x1b", play_json(), headers=_headers(b"\x1b[2J")),
    _bad("ce_type that disagrees", "version", "ce_type says block", play_json(), headers=_headers(b"segue.block.v1")),
    _bad("the last ce_type counts", "version", "v2", play_json(), headers=_headers(b"segue.play.v1") + _headers(b"segue.play.v2")),
    _bad(
        "ce_type play and another value",
        "version",
        "value's type is block",
        _of_type("block", track_id="t"),
        headers=_headers(b"segue.play.v1"),
    ),
    _bad("unknown type", "version", "'dance'", _of_type("dance")),
    _bad("empty type", "version", "''", _of_type("")),
    _bad("type in capitals", "version", "'Play'", play_json(type="Play")),
    _bad("long type", "version", "unknown", _of_type("x" * 5_000)),
    _bad("radio from two starts", "schema", "not from both", _of_type("radio", track_id="t", artist="Nico")),
    _bad("radio of no track", "schema", "$.n", _of_type("radio", n=0)),
    _bad("radio without an end", "schema", "$.n", _of_type("radio", n=201)),
    _bad("radio that drifts too far", "schema", "$.drift", _of_type("radio", drift=1.5)),
    _bad("radio of a nameless artist", "schema", "$.artist", _of_type("radio", artist="  ")),
]

TOO_LARGE = [
    _bad("11 KB", "oversize", "10240", play_json(pad="x" * 11_000)),
    _bad("1 MB that is no JSON", "oversize", "1000000", b"\xff" * 1_000_000),
    _bad("1 MB of brackets", "oversize", "1000000", b"[" * 1_000_000),
]

TIMES = [
    _bad("seconds instead of ms", "timestamp", "2002", play_json(played_at=1764582000)),
    _bad("one ms before October 2002", "timestamp", "2002", play_json(played_at=1_033_430_399_999)),
    _bad("zero", "timestamp", "2002", play_json(played_at=0)),
    _bad("negative", "timestamp", "2002", play_json(played_at=-1)),
    _bad("far in the future", "timestamp", "2002", play_json(played_at=253_402_300_800_000)),
    _bad("beyond 64 bits", "timestamp", "2002", play_json(played_at=2**63)),
    _bad("beyond 64 bits, negative", "timestamp", "2002", play_json(played_at=-(2**63) - 1)),
    _bad("2002 as a text", "timestamp", "2002", play_json(played_at="2002-09-30T23:59:59.999Z")),
    _bad("the year 1", "timestamp", "2002", play_json(played_at="0001-01-01T00:00:00+14:00")),
    _bad("the year 9999", "timestamp", "after the record was appended", play_json(played_at="9999-12-31T23:59:59-14:00")),
    _bad("10 min and 1 ms ahead", "timestamp", "600001 ms after", play_json(played_at=APPENDED_MS + 600_001)),
    _bad("10 min and 1 s ahead as a text", "timestamp", "601000 ms after", play_json(played_at="2025-12-01T10:00:01Z")),
    _bad("a log without append times", "timestamp", "after the record", play_json(), timestamp=-1),
    _bad("a block from 1999", "timestamp", "at is not", _of_type("block", track_id="t", at=915148800000)),
    _bad("a block until 1999", "timestamp", "until is not", _of_type("block", track_id="t", until=915148800000)),
    _bad("a block until 1999 as a text", "timestamp", "until is", _of_type("block", track_id="t", until="1999-01-01T00:00:00Z")),
    _bad("an erase from tomorrow", "timestamp", "at is", _of_type("erase", at=APPENDED_MS + 86_400_000)),
]

KEYS = [
    _bad("key of another user", "key", "not the value's user_id", play_json(), key=b"bob"),
    _bad("key in quotes", "key", "not the value's user_id", play_json(), key=b'"ana"'),
    _bad("key empty", "key", "not the value's user_id", play_json(), key=b""),
    _bad("key not UTF-8", "key", "not the value's user_id", play_json(), key=b"\xff"),
    _bad("key in another normal form", "key", "not the value's user_id", play_json(user_id="\u00e9"), key="e\u0301".encode()),
    _bad("another partitioner", "key", "murmur2_random", play_json(), partition=(partition_of(b"ana", PARTITIONS) + 1) % PARTITIONS),
    _bad("block with the key of another user", "key", "not the value's user_id", _of_type("block", track_id="t"), key=b"bob"),
]

BAD: list[Bad] = [*NULLS, *NOT_JSON, *WRONG_SHAPE, *VERSIONS, *TOO_LARGE, *TIMES, *KEYS]
