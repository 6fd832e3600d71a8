"""The three doors through which a worker touches the world: a store, an outbox, a clock.

Each promise stands in `tests/contracts/`; the real adapter and the in-memory one keep the same suite.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from infra.fenced import Applied as Applied
from infra.fenced import Claimed as Claimed
from infra.fenced import Command as Command
from infra.fenced import FencedCall as FencedCall
from infra.fenced import Field as Field
from infra.fenced import Refused as Refused
from infra.fenced import Row as Row
from infra.fenced import StoreBroken as StoreBroken
from streams.record_headers import Headers, read_headers


class Unavailable(Exception):
    """What is needed is not there (any more): wait with backoff, or leave because the process stops. Never skip data."""


class Record(Protocol):
    """One record as the broker hands it over (the shape of aiokafka's `ConsumerRecord`)."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    """Append time, epoch ms."""
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class Outgoing(NamedTuple):
    """One record to publish; `value` None is a tombstone. A list's is a view of bytes: join it or measure it, no more.

    `headers` are pairs or, of a list, already the text that stands in a batch (`pairs` reads both).
    """

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Headers | bytes

    def pairs(self) -> Headers:
        """The headers as pairs, whichever way they are held."""
        return read_headers(self.headers)


class Outbox(Protocol):
    """Publishes; a returned awaitable ends when the broker has acknowledged *every* record.

    Records of one partition are appended in the given order. What was acknowledged is never lost;
    what was not may have been appended (the caller publishes it again after a claim).
    Raises `Unavailable` only when it is closed; a broken broker is waited for.
    """

    def publish(self, records: Sequence[Outgoing]) -> Awaitable[None]: ...


class Store(Protocol):
    """Rows and cursors. A call waits with backoff while the store is away; it never half-writes."""

    async def meta(self) -> dict[str, bytes]:
        """The namespace's meta hash; {} when there is none."""
        ...

    async def found(self, fields: dict[str, Field]) -> dict[str, bytes]:
        """Create the meta hash if there is none (one winner); returns the one that stands."""
        ...

    async def mark(self, incarnation: str, field: str, value: Field) -> bool:
        """Set one field of the meta hash while it is of that incarnation; a flush leaves nothing to mark."""
        ...

    async def claim(self, cursor: str, pending_key: str, token: str) -> Claimed:
        """Write a fresh token (creating nothing else), count the claim, read cursor and pending.

        A missing cursor is *not* created: `start_cursor` does that once the caller knows it may.
        """
        ...

    async def start_cursor(self, cursor: str, fields: dict[str, Field], *, instead_of: str = "") -> bool:
        """Create a cursor (fields include token, next, incarnation) if there is none or its token is `instead_of`."""
        ...

    async def read(self, wanted: Sequence[tuple[str, str]]) -> list[bytes | None]:
        """One pipelined read of (key, field)."""
        ...

    async def read_many(self, wanted: Sequence[tuple[str, Sequence[str]]]) -> list[list[bytes | None]]:
        """One pipelined read of (hash key, fields): several fields of each hash."""
        ...

    async def whole(self, key: str) -> dict[str, bytes]:
        """All fields of a hash, however many; {} when there is none. In steps: only the hash's one writer may rely on it."""
        ...

    def scan(self, beside: str, pattern: str) -> AsyncIterator[list[str]]:
        """Keys that match, some hundreds at a time, one perhaps twice; of a Cluster those on the node that holds `beside`."""
        ...

    async def text(self, keys: Sequence[str]) -> list[bytes | None]:
        """Plain strings, one pipelined read."""
        ...

    async def apply(self, calls: Sequence[FencedCall]) -> list[Applied | Refused]:
        """All calls in one pipeline; each decided by itself. A lost reply is asked again, exactly."""
        ...

    async def owners(self, cursors: Sequence[str]) -> list[tuple[str, int]]:
        """(token, next) of each cursor in one read; ("", -1) for a missing one."""
        ...


class Clock(Protocol):
    """Wall clock of the composition root; only judges lateness and stamps lists."""

    def now_ms(self) -> int: ...


class TP(NamedTuple):
    """A partition of a topic; equal to Faust's own."""

    topic: str
    partition: int


class Group(Protocol):
    """What a worker asks of the consumer group and the log; the transport answers."""

    async def bounds(self, tps: Collection[TP]) -> dict[TP, tuple[int, int]]:
        """(first readable offset, end of the log) of each partition."""
        ...

    async def reposition(self, tp: TP, offset: int) -> bool:
        """Read on at `offset`; what is under way of that partition is dropped. False = no longer ours."""
        ...

    async def confirmed_member(self) -> None:
        """Ends once a heartbeat or join sent after this call was acknowledged: a woken zombie must not claim before."""
        ...

    async def read_one(self, tp: TP, offset: int) -> Record:
        """The record at `offset`, read again."""
        ...

    async def read_all(self, topic: str) -> list[bytes | None]:
        """Every value on a small compacted topic, oldest first."""
        ...

    async def publish_positions(self, positions: Mapping[TP, int]) -> None:
        """Tell Kafka how far we are, for lag tools only."""
        ...
