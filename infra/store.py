"""The store on a real Redis: fenced Lua calls that are repeated until their answer is definite.

Order of one `apply`:

1. every call becomes one EVALSHA; all go out in one write (on a Redis Cluster one write per node, concurrently);
2. reply 1 is Applied; a reply with our token and `next == end` is Applied too: our earlier call landed and its
   reply was lost; any other stored fence is Refused;
3. NOSCRIPT is sent again at once, with the script's text; a store that is away, full, loading or read-only is
   waited for and gets the same call again; every other error stops the process (`StoreBroken`, with the key).

Repeating is safe: the fence lets one of the copies pass, however late the others arrive. Reads, `mark`, `found`
and `start_cursor` bear repeating by themselves, and a claim is known by its token.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

from infra import redis_errors, scripts
from infra.cluster_link import ClusterLink, is_cluster, routing_key
from infra.fenced import Applied, Claimed, FencedCall, Field, Refused, StoreBroken, encode
from infra.keys import Keys
from infra.redis_link import Args, Link, NodeLink, Reply

WAIT_FIRST_S = 0.05
WAIT_MAX_S = 5.0
"""Doubling from the first: a restart (0.05-0.25 s measured with AOF) is seen at once, a long one is not hammered."""

SCANNED = b"2000"
"""Fields asked for in one step of `whole`, some 200 KB, or keys looked at in one of `scan`: nobody else waits long for Redis meanwhile."""

TIMEOUT_S = 2.0
"""For one exchange. 16 calls of 1,000 rows take Redis 0.3 s; a longer silence is a lost reply, found out by the fence."""


class RedisStore:
    """`streams.ports.Store` on Redis or, with `redis+cluster://host:port`, on a Redis Cluster.

    Parameters
    ----------
    url : where Redis is, as redis-py spells it
    namespace : the first part of every key and of the client's name
    timeout_s : for one exchange; after it the same calls are sent again
    on_wait : called with the reason (`OOM`, `LOADING`, `timeout`, …) before each wait

    Raises
    ------
    StoreBroken
        from any method, naming the key that an operator should look at.
    """

    def __init__(
        self,
        url: str,
        *,
        namespace: str = "segue",
        timeout_s: float = TIMEOUT_S,
        on_wait: Callable[[str], None] | None = None,
    ) -> None:
        link = ClusterLink if is_cluster(url) else NodeLink
        self._link: Link = link(url, timeout_s=timeout_s, client_name=namespace)
        self._by_slot = is_cluster(url)
        self._meta = Keys(namespace).meta()
        self._on_wait = on_wait
        self._waits: list[_Wait] = []

    @property
    def waiting(self) -> str:
        """Why a call waits right now, "" if none does: a worker that waits is not ready."""
        return next((wait.reason for wait in self._waits if wait.reason), "")

    async def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        await self._link.close()

    # -- the namespace ---------------------------------------------------------------------------------

    async def meta(self) -> dict[str, bytes]:
        return await self.found({})

    async def found(self, fields: dict[str, Field]) -> dict[str, bytes]:
        (reply,) = await self._settle([_evalsha(scripts.FOUND, [self._meta], _flat(fields))])
        return _pairs(reply)

    async def mark(self, incarnation: str, field: str, value: Field) -> bool:
        (reply,) = await self._settle([_evalsha(scripts.MARK, [self._meta], [incarnation.encode(), field.encode(), encode(value)])])
        return reply == 1

    # -- cursors ---------------------------------------------------------------------------------------

    async def claim(self, cursor: str, pending_key: str, token: str) -> Claimed:
        (reply,) = await self._settle([_evalsha(scripts.CLAIM, [cursor, pending_key], [token.encode()])])
        assert isinstance(reply, list), reply
        if not reply:
            return Claimed({}, b"")
        fields, pending = reply
        assert isinstance(pending, bytes), pending
        return Claimed(_pairs(fields), pending)

    async def start_cursor(self, cursor: str, fields: dict[str, Field], *, instead_of: str = "") -> bool:
        assert {"token", "next", "incarnation"} <= fields.keys(), f"{cursor}: a cursor starts with a whole fence"
        args = [encode(fields["token"]), instead_of.encode(), *_flat(fields)]
        (reply,) = await self._settle([_evalsha(scripts.START, [cursor], args)])
        return reply == 1

    async def owners(self, cursors: Sequence[str]) -> list[tuple[str, int]]:
        found = await self.read_many([(cursor, ("token", "next")) for cursor in cursors])
        return [("" if token is None else token.decode(), -1 if next_ is None else int(next_)) for token, next_ in found]

    # -- reads -----------------------------------------------------------------------------------------

    async def read(self, wanted: Sequence[tuple[str, str]]) -> list[bytes | None]:
        return [values[0] for values in await self.read_many([(key, (field,)) for key, field in wanted])]

    async def read_many(self, wanted: Sequence[tuple[str, Sequence[str]]]) -> list[list[bytes | None]]:
        groups = self._groups(wanted)
        replies = await self._settle([_read(wanted, places) for places in groups])
        values: list[list[bytes | None]] = [[] for _ in wanted]
        for places, reply in zip(groups, replies, strict=True):
            flat = _values(reply)
            width = len(wanted[places[0]][1])
            for i, place in enumerate(places):
                values[place] = flat[i * width : (i + 1) * width]
        return values

    async def whole(self, key: str) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        cursor = b"0"
        while True:
            (reply,) = await self._settle([[b"HSCAN", key.encode(), cursor, b"COUNT", SCANNED]])
            assert isinstance(reply, list) and isinstance(reply[0], bytes), reply
            cursor, fields = reply[0], reply[1]
            found |= _pairs(fields)
            if cursor == b"0":
                return found

    async def scan(self, beside: str, pattern: str) -> AsyncIterator[list[str]]:
        cursor = b"0"
        while True:
            (reply,) = await self._settle([_evalsha(scripts.SCAN, [beside], [cursor, pattern.encode(), SCANNED])])
            assert isinstance(reply, list) and isinstance(reply[0], bytes), reply
            cursor = reply[0]
            assert isinstance(reply[1], list), reply
            if keys := [_text(key) for key in _values(reply[1])]:
                yield keys
            if cursor == b"0":
                return

    async def text(self, keys: Sequence[str]) -> list[bytes | None]:
        return _values(await self._settle([[b"GET", key.encode()] for key in keys]))

    def _groups(self, wanted: Sequence[tuple[str, Sequence[str]]]) -> list[list[int]]:
        """Positions of `wanted` that one script may read: the same fields and, on a Cluster, the same hash tag."""
        groups: dict[tuple[str, ...], list[int]] = {}
        for place, (key, fields) in enumerate(wanted):
            tag = key[: key.find("}") + 1] if self._by_slot else ""
            groups.setdefault((tag, *fields), []).append(place)
        return list(groups.values())

    # -- writes ----------------------------------------------------------------------------------------

    async def apply(self, calls: Sequence[FencedCall]) -> list[Applied | Refused]:
        replies = await self._settle([_apply_args(call) for call in calls])
        return [_verdict(call, reply) for call, reply in zip(calls, replies, strict=True)]

    # -- patience --------------------------------------------------------------------------------------

    async def _settle(self, commands: list[Args]) -> list[Reply]:
        """A definite reply to each command: asked again, and only those still open, until it has one."""
        replies = await self._link.exchange(commands)
        todo = _open(replies)
        if not todo:
            return replies
        # Not ready from the first doubt to the last answer, not only while it sleeps.
        wait = _Wait()
        self._waits.append(wait)
        try:
            while todo:
                for i in todo:
                    commands[i] = wait.again(commands[i], replies[i])
                if wait.due:
                    await self._pause(wait)
                for i, reply in zip(todo, await self._link.exchange([commands[i] for i in todo]), strict=True):
                    replies[i] = reply
                todo = _open(replies)
        finally:
            self._waits.remove(wait)
        return replies

    async def _pause(self, wait: _Wait) -> None:
        if self._on_wait is not None:
            self._on_wait(wait.reason)
        await asyncio.sleep(wait.next_s())


class _Wait:
    """Why one exchange has no answer yet, and how long to leave the store alone."""

    def __init__(self) -> None:
        self.reason = ""
        self.due = False
        """A missing script is no reason to wait: the text goes out at once."""
        self._pause_s = WAIT_FIRST_S

    def again(self, command: Args, reply: Reply) -> Args:
        """The command to send next; raises StoreBroken if another answer cannot be hoped for."""
        assert isinstance(reply, Exception), reply
        if redis_errors.script_missing(reply):
            return _with_text(command)
        reason = redis_errors.away(reply)
        if reason is None:
            raise StoreBroken(*redis_errors.blame(reply, routing_key(command).decode(errors="replace"))) from reply
        self.reason, self.due = reason, True
        return command

    def next_s(self) -> float:
        self.due = False
        pause_s, self._pause_s = self._pause_s, min(2 * self._pause_s, WAIT_MAX_S)
        return pause_s


def _open(replies: list[Reply]) -> list[int]:
    return [i for i, reply in enumerate(replies) if isinstance(reply, Exception)]


def _verdict(call: FencedCall, reply: Reply) -> Applied | Refused:
    if reply == 1:
        return Applied()
    token, next_, incarnation = (_text(part) for part in _values(reply))
    if (token, incarnation, next_) == (call.token, call.incarnation, str(call.end)):
        return Applied()
    return Refused(token, int(next_ or -1), incarnation)


def _apply_args(call: FencedCall) -> Args:
    call.check()
    rows, commands = call.rows, call.commands
    keys = [call.cursor, call.pending_key, *[row[0] for row in rows], *[command.key for command in commands]]
    counts = (len(rows), len(call.row_fields), 2 * len(call.cursor_fields), len(commands))
    args: list[bytes] = [call.token.encode(), call.incarnation.encode(), b"%d" % call.start, b"%d" % call.end, call.pending]
    args += [b"%d" % count for count in counts]
    args += [field.encode() for field in call.row_fields]
    args += _flat(call.cursor_fields)
    # Values are bytes already, all but always: the call is saved 3,000 times a round.
    args += [value if value.__class__ is bytes else encode(value) for row in rows for value in row[1:]]
    for command in commands:
        args += [command.verb.encode(), b"%d" % len(command.args), *map(encode, command.args)]
    return _evalsha(scripts.APPLY, keys, args)


def _read(wanted: Sequence[tuple[str, Sequence[str]]], places: list[int]) -> Args:
    fields = wanted[places[0]][1]
    return _evalsha(scripts.READ, [wanted[i][0] for i in places], [field.encode() for field in fields])


def _evalsha(script: scripts.Script, keys: Sequence[str], args: Sequence[bytes]) -> Args:
    return [b"EVALSHA", script.sha, b"%d" % len(keys), *map(str.encode, keys), *args]


def _with_text(command: Args) -> Args:
    """The same call as an EVAL, which also leaves the script where it was missing."""
    return [b"EVAL", scripts.BY_SHA[command[1]].text, *command[2:]]


def _flat(fields: dict[str, Field]) -> list[bytes]:
    return [encode(part) for pair in fields.items() for part in pair]


def _values(reply: Reply | list[Reply]) -> list[bytes | None]:
    assert isinstance(reply, list), reply
    values: list[bytes | None] = []
    for value in reply:
        assert value is None or isinstance(value, bytes), value
        values.append(value)
    return values


def _pairs(reply: Reply | list[Reply]) -> dict[str, bytes]:
    flat = _values(reply)
    return {_text(name): value or b"" for name, value in zip(flat[0::2], flat[1::2], strict=True)}


def _text(value: bytes | None) -> str:
    return "" if value is None else value.decode()
