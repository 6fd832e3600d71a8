"""What a fenced write is: the shapes that the store and its callers share.

They live here and not beside the ports because `infra` imports none of our packages; `streams.ports`
gives them out again under the same names.
"""

from __future__ import annotations

from operator import itemgetter
from typing import NamedTuple

import msgspec

Field = str | bytes | int | float
"""What may stand in a hash field or a string: text as UTF-8, numbers as Python's `repr`."""

Row = tuple[str, *tuple[Field, ...]]
"""(key, value of row_fields[0], value of row_fields[1], …)"""
_KEY = itemgetter(0)


class StoreBroken(Exception):
    """The store answered something that no waiting will mend; the process must stop.

    `key` names what an operator should look at; `why` is the store's own sentence.
    """

    def __init__(self, key: str, why: str) -> None:
        super().__init__(f"key {key!r}: {why}. Nothing was written; look at the key (`redis-cli TYPE {key}`), see docs/operations.md")
        self.key = key
        self.why = why


class Claimed(msgspec.Struct, frozen=True):
    """What a claim found: the cursor's fields ({} = no cursor) and the bytes still to be published."""

    fields: dict[str, bytes]
    pending: bytes


class Command(NamedTuple):
    """One extra write inside a fenced call: HSET key f v…, SET key v, DEL key, HINCRBY key f n."""

    verb: str
    key: str
    args: tuple[Field, ...] = ()


class FencedCall(msgspec.Struct, frozen=True):
    """One partition's apply: refused whole unless token, incarnation and `start` are the stored ones.

    A call is repeated when its reply is lost, and `next == end` then tells that it had landed. One that
    moves nothing (`start == end`) cannot be told from its own repetition: it may only hold writes that
    bear repeating, so no HINCRBY.
    """

    cursor: str
    pending_key: str
    token: str
    incarnation: str
    start: int
    """Offset that the stored `next` must equal."""
    end: int
    """Offset that becomes `next`, written last."""
    cursor_fields: dict[str, Field]
    pending: bytes
    row_fields: tuple[str, ...] = ()
    rows: list[Row] = []
    commands: list[Command] = []

    def check(self) -> None:
        """Assert what the caller owes; a call that breaks it is a bug of ours.

        Raises
        ------
        AssertionError
            naming the cursor.
        """
        moves = self.end > self.start or (self.end == self.start and not any(c.verb == "HINCRBY" for c in self.commands))
        assert moves, f"{self.cursor}: [{self.start}, {self.end}) cannot be told from its own repetition"
        assert not {"token", "next", "incarnation", "claims"} & self.cursor_fields.keys(), f"{self.cursor}: the fence's own fields"
        width = 1 + len(self.row_fields)
        assert set(map(len, self.rows)) <= {width}, f"{self.cursor}: a row is not {width} wide"
        self._check_kinds()

    def _check_kinds(self) -> None:
        """Types are looked at before the first write, so one call must not itself change a key's type or what it counts."""
        strings = {self.pending_key} | {c.key for c in self.commands if c.verb == "SET"}
        counted = {c.key for c in self.commands if c.verb == "HINCRBY"}
        hashes = {self.cursor} | {c.key for c in self.commands if c.verb == "HSET"}
        twice = (strings & hashes) | (strings & counted) | (counted & hashes)
        # Rows are many, the others are not: each row is asked whether it is one of those.
        twice |= set(filter((strings | counted).__contains__, map(_KEY, self.rows)))
        assert not twice, f"{self.cursor}: one call writes {sorted(twice)[0]} in two ways"


class Applied(msgspec.Struct, frozen=True):
    """The call landed, now or when its reply was lost (`next == end` under our token)."""


class Refused(msgspec.Struct, frozen=True):
    """Nothing was written: another owner, an older Redis, or no cursor ("" and -1)."""

    token: str
    next: int
    incarnation: str


def encode(value: Field) -> bytes:
    """The bytes that the store keeps for `value`, the same in every store.

    >>> encode("ü"), encode(7), encode(0.1)
    (b'\\xc3\\xbc', b'7', b'0.1')
    """
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    return repr(value).encode()
