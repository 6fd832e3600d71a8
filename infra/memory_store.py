"""The store in memory: what `RedisStore` promises, without a server, and with every fault at hand.

`MemoryRedis` is the database that workers share; each has its own `MemoryStore`, so that a crash or a lost
reply strikes one of them. Nothing here waits, reads a clock or rolls dice: a test that calls in the same order sees the
same. `tests/contracts/` holds both stores to one suite.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import partial
from typing import NamedTuple, TypeVar

from infra.fenced import Applied, Claimed, Command, FencedCall, Field, Refused, Row, StoreBroken, encode
from infra.keys import Keys

Hash = Mapping[str, bytes]
Value = Hash | bytes
T = TypeVar("T")

SCANNED = 3
"""Keys of one step of `scan`: few, so that small tests see several."""
COUNT_MAX = 2**53
"""Beyond it Lua's numbers are no longer whole; the script refuses to count there, and so does this store."""


class Moment(NamedTuple):
    """Where a call stands when the hook is asked: `op` is the port's method, `when` is before or after its effect."""

    op: str
    when: str
    key: str


class ReplyLost(Exception):
    """Raised at a moment: the request (before) or its reply (after) is lost, and the store asks again, as the real one does."""


class Snapshot(NamedTuple):
    """A database as it was; values are never changed in place, so this shares them."""

    values: dict[str, Value]


def every_key(_key: str) -> bool:
    return True


class MemoryRedis:
    """The shared database: strings and hashes, and the faults that strike the server itself."""

    def __init__(self) -> None:
        self._values: dict[str, Value] = {}
        self.away = ""
        """While not "", calls wait and report it as their reason (LOADING, OOM, READONLY, …)."""

    def keys(self) -> list[str]:
        return sorted(self._values)

    def hash(self, key: str) -> Hash:
        """The hash at `key`, {} if there is none. Raises StoreBroken."""
        value = self._values.get(key, {})
        if isinstance(value, bytes):
            raise StoreBroken(key, "holds another type (a hash was expected)")
        return value

    def string(self, key: str) -> bytes | None:
        """The string at `key`. Raises StoreBroken."""
        value = self._values.get(key)
        if value is None or isinstance(value, bytes):
            return value
        raise StoreBroken(key, "holds another type (a string was expected)")

    def write(self, changes: Mapping[str, Value | None]) -> None:
        """All changes at once; None deletes."""
        for key, value in changes.items():
            if value is None:
                self._values.pop(key, None)
            else:
                self._values[key] = value

    def snapshot(self) -> Snapshot:
        return Snapshot(dict(self._values))

    def roll_back(self, to: Snapshot, chosen: Callable[[str], bool] = every_key) -> None:
        """Make every chosen key what it was in `to`: a failover, or the loss of a log's tail."""
        self._values = {key: value for key, value in self._values.items() if not chosen(key)}
        self._values |= {key: value for key, value in to.values.items() if chosen(key)}

    def flush(self, chosen: Callable[[str], bool] = every_key) -> None:
        self.roll_back(Snapshot({}), chosen)


class MemoryStore:
    """`streams.ports.Store` over a `MemoryRedis`.

    Parameters
    ----------
    hook : told before and after every effect; may raise (a crash, `ReplyLost`) or act on the database
    pause : the same, awaited just before the hook: a simulation lets others run in between, or freezes this one
    """

    def __init__(
        self,
        redis: MemoryRedis | None = None,
        *,
        namespace: str = "segue",
        hook: Callable[[Moment], None] | None = None,
        pause: Callable[[Moment], Awaitable[None]] | None = None,
        on_wait: Callable[[str], None] | None = None,
    ) -> None:
        self.redis = MemoryRedis() if redis is None else redis
        self.waiting = ""
        self._meta = Keys(namespace).meta()
        self._hook = hook
        self._pause = pause
        self._on_wait = on_wait

    async def close(self) -> None:
        """Nothing to close."""

    async def meta(self) -> dict[str, bytes]:
        return await self.found({})

    async def found(self, fields: dict[str, Field]) -> dict[str, bytes]:
        def effect() -> dict[str, bytes]:
            if fields and not self.redis.hash(self._meta):
                self.redis.write({self._meta: _encoded(fields)})
            return dict(self.redis.hash(self._meta))

        return await self._ask("found", self._meta, effect)

    async def mark(self, incarnation: str, field: str, value: Field) -> bool:
        def effect() -> bool:
            meta = self.redis.hash(self._meta)
            if meta.get("incarnation") != incarnation.encode():
                return False
            self.redis.write({self._meta: {**meta, field: encode(value)}})
            return True

        return await self._ask("mark", self._meta, effect)

    async def claim(self, cursor: str, pending_key: str, token: str) -> Claimed:
        def effect() -> Claimed:
            fields = self.redis.hash(cursor)
            if not fields:
                return Claimed({}, b"")
            pending = self.redis.string(pending_key) or b""
            if fields.get("token") != token.encode():
                claims = b"%d" % (int(fields.get("claims", b"0")) + 1)
                fields = {**fields, "claims": claims, "token": token.encode()}
                self.redis.write({cursor: fields})
            return Claimed(dict(fields), pending)

        return await self._ask("claim", cursor, effect)

    async def start_cursor(self, cursor: str, fields: dict[str, Field], *, instead_of: str = "") -> bool:
        assert {"token", "next", "incarnation"} <= fields.keys(), f"{cursor}: a cursor starts with a whole fence"

        def effect() -> bool:
            stored = self.redis.hash(cursor)
            token = stored.get("token", b"")
            if stored and not (token and token == instead_of.encode()):
                return token != b"" and token == encode(fields["token"])
            self.redis.write({cursor: _encoded(fields)})
            return True

        return await self._ask("start_cursor", cursor, effect)

    async def read(self, wanted: Sequence[tuple[str, str]]) -> list[bytes | None]:
        return [values[0] for values in await self.read_many([(key, (field,)) for key, field in wanted])]

    async def read_many(self, wanted: Sequence[tuple[str, Sequence[str]]]) -> list[list[bytes | None]]:
        def effect() -> list[list[bytes | None]]:
            return [[self.redis.hash(key).get(field) for field in fields] for key, fields in wanted]

        return await self._ask("read", wanted[0][0] if wanted else "", effect)

    async def whole(self, key: str) -> dict[str, bytes]:
        return await self._ask("whole", key, lambda: dict(self.redis.hash(key)))

    async def scan(self, beside: str, pattern: str) -> AsyncIterator[list[str]]:
        keys = await self._ask("scan", beside, lambda: [key for key in self.redis.keys() if fnmatchcase(key, pattern)])  # noqa: SIM118
        for start in range(0, len(keys), SCANNED):
            yield keys[start : start + SCANNED]

    async def text(self, keys: Sequence[str]) -> list[bytes | None]:
        return await self._ask("text", keys[0] if keys else "", lambda: [self.redis.string(key) for key in keys])

    async def owners(self, cursors: Sequence[str]) -> list[tuple[str, int]]:
        def effect() -> list[tuple[str, int]]:
            found = [self.redis.hash(cursor) for cursor in cursors]
            return [(fields.get("token", b"").decode(), int(fields.get("next", b"-1"))) for fields in found]

        return await self._ask("owners", cursors[0] if cursors else "", effect)

    async def apply(self, calls: Sequence[FencedCall]) -> list[Applied | Refused]:
        for call in calls:
            call.check()
        return [await self._ask("apply", call.cursor, partial(_apply, self.redis, call)) for call in calls]

    async def _ask(self, op: str, key: str, effect: Callable[[], T]) -> T:
        """One call as the real store makes it: waits while the server is away, asks again when something is lost."""
        while True:
            try:
                await self._tell(Moment(op, "before", key))
                await self._until_back()
                answer = effect()
                await self._tell(Moment(op, "after", key))
            except ReplyLost:
                continue
            return answer

    async def _until_back(self) -> None:
        while self.redis.away:
            self.waiting = self.redis.away
            if self._on_wait is not None:
                self._on_wait(self.waiting)
            await asyncio.sleep(0)
        self.waiting = ""

    async def _tell(self, moment: Moment) -> None:
        if self._pause is not None:
            await self._pause(moment)
        if self._hook is not None:
            self._hook(moment)


def _apply(redis: MemoryRedis, call: FencedCall) -> Applied | Refused:
    """What `infra/lua/apply.lua` does, in its order: the fence, then every check, then every write."""
    stored = redis.hash(call.cursor)
    token, incarnation, next_ = (stored.get(field, b"").decode() for field in ("token", "incarnation", "next"))
    if (token, incarnation, next_) != (call.token, call.incarnation, str(call.start)):
        if (token, incarnation, next_) == (call.token, call.incarnation, str(call.end)):
            return Applied()
        return Refused(token, int(next_ or -1), incarnation)
    writing = _Writing(redis)
    for row in call.rows:
        writing.hset(row[0], _named(call.row_fields, row))
    redis.string(call.pending_key)
    for command in call.commands:
        writing.run(command)
    writing.changes[call.pending_key] = call.pending or None
    writing.hset(call.cursor, {**_encoded(call.cursor_fields), "claims": b"0", "next": str(call.end).encode()})
    redis.write(writing.changes)
    return Applied()


class _Writing:
    """Changes under way; the database sees them together or not at all."""

    def __init__(self, redis: MemoryRedis) -> None:
        self._redis = redis
        self.changes: dict[str, Value | None] = {}

    def hset(self, key: str, fields: Hash) -> None:
        # Types are checked against the database as it stands: the script does so before its first write.
        stored = self._redis.hash(key)
        changed = self.changes.get(key, stored)
        assert not isinstance(changed, bytes), f"{key}: FencedCall.check keeps strings and hashes apart"
        self.changes[key] = {**(changed or {}), **fields}

    def run(self, command: Command) -> None:
        verb, key, args = command
        if verb == "HSET" and args and len(args) % 2 == 0:
            self.hset(key, {encode(name).decode(): encode(value) for name, value in zip(args[0::2], args[1::2], strict=True)})
        elif verb == "SET" and len(args) == 1:
            self._redis.string(key)
            self.changes[key] = encode(args[0])
        elif verb == "DEL" and not args:
            self.changes[key] = None
        elif verb == "HINCRBY" and len(args) == 2:
            self._count(key, encode(args[0]).decode(), encode(args[1]))
        else:
            raise StoreBroken(key, "a command does not add up")

    def _count(self, key: str, field: str, by: bytes) -> None:
        if not _countable(by):
            raise StoreBroken(key, "a command does not add up")
        if not _countable(self._redis.hash(key).get(field, b"0")):
            raise StoreBroken(key, f"field {field} does not hold a number")
        self.hset(key, {})
        changed = self.changes[key]
        assert changed is not None and not isinstance(changed, bytes), key
        self.hset(key, {field: b"%d" % (int(changed.get(field, b"0")) + int(by))})


def _countable(text: bytes) -> bool:
    digits = text[1:] if text.startswith(b"-") else text
    return digits.isdigit() and abs(int(text)) < COUNT_MAX


def _named(fields: Sequence[str], row: Row) -> dict[str, bytes]:
    return {field: encode(value) for field, value in zip(fields, row[1:], strict=True)}


def _encoded(fields: Mapping[str, Field]) -> dict[str, bytes]:
    return {name: encode(value) for name, value in fields.items()}
