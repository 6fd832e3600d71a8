"""One record of the catalogue or of users' attributes: whose row it is, and its values as they were written.

What becomes of a record depends on the record alone; what its values mean is for the cleaning to say.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec

from infra.keys import Side
from online_models.cleaning.fields import TRACK_FIELDS, USER_FIELDS, Field
from streams.contract import ID_CHARS_MAX, TRACK_BYTES_MAX, Reason, Track, User
from streams.ports import Record
from streams.screening import Rejected, check_json, check_partition, header

FEATURES: Final = frozenset(field.name for field in TRACK_FIELDS if field.kind == "number") - {"duration_ms", "popularity", "explicit"}
"""Fields of the cleaning that stand under `features` in a record and in a row."""


class Kind(NamedTuple):
    """One of the two things that a catalogue worker reads."""

    topic: str
    side: Side
    fields: tuple[Field, ...]
    ce_type: str
    links: bool
    """Rows are recordings, of which two may be the same."""

    @property
    def identity(self) -> str:
        """The field that is also the record's key."""
        return self.fields[0].name


TRACKS: Final = Kind("tracks", "c", TRACK_FIELDS, "segue.track.v1", links=True)
USERS: Final = Kind("users", "a", USER_FIELDS, "segue.user.v1", links=False)
KINDS: Final = (TRACKS, USERS)


class Written(NamedTuple):
    """A record that may be cleaned."""

    row_id: str
    raw: dict[str, Any] | None
    """Field -> what was written; None = withdrawn."""


_track = msgspec.json.Decoder(Track).decode
_user = msgspec.json.Decoder(User).decode


def screen(record: Record, kind: Kind, partition: int, partition_count: int) -> Written:
    """The row in `record`, which lies on `partition` of `partition_count`.

    Raises:
        Rejected: with the first reason that applies, in the order of this function.
    """
    key = _key(record.key, kind)
    raw = None if record.value is None else _raw(record, record.value, kind)
    if raw is not None and raw[kind.identity] != key:
        raise Rejected(Reason.KEY, f"the key is not the value's {kind.identity} as raw UTF-8")
    check_partition(key.encode(), partition, partition_count)
    return Written(key, raw)


def _key(key: bytes | None, kind: Kind) -> str:
    if key is None:
        raise Rejected(Reason.NULL, f"the key is null; it must be the {kind.identity} as UTF-8")
    try:
        text = key.decode()
    except UnicodeDecodeError:
        raise Rejected(Reason.KEY, f"the key is not UTF-8; it must be the {kind.identity}") from None
    if not 1 <= len(text) <= ID_CHARS_MAX or "\0" in text or text.isspace():
        raise Rejected(Reason.KEY, f"the key must have 1 to {ID_CHARS_MAX} characters, not all white space, and no NUL")
    return text


def _raw(record: Record, value: bytes, kind: Kind) -> dict[str, Any]:
    """Field -> what was written; features stand beside the others, as the cleaning knows them."""
    if len(value) > TRACK_BYTES_MAX:
        raise Rejected(Reason.OVERSIZE, f"the value has {len(value)} bytes; {TRACK_BYTES_MAX} are allowed")
    told = header(record.headers, "ce_type")
    if told is not None and told != kind.ce_type.encode():
        raise Rejected(
            Reason.VERSION, f"ce_type {ascii(told[:64].decode('utf-8', 'replace'))} is unknown here; this topic holds {kind.ce_type}"
        )
    check_json(value)
    try:
        found = _track(value) if kind is TRACKS else _user(value)
    except msgspec.DecodeError as error:
        raise Rejected(Reason.SCHEMA, str(error)) from None
    raw = {name: getattr(found, name) for name in found.__struct_fields__}
    features = raw.pop("features", None) or {}
    return {**raw, **{name: said for name, said in features.items() if name in FEATURES}}
