"""Records that end the process that handles them, and how the log gets past them.

An owner that comes after deaths without an apply handles one record at a time and notes its offset first. The
third death at one offset makes a *verdict* on a compacted topic: the record is passed over and becomes a dead
letter with the reason `handler`. Claims read the verdicts before anything else, so a replay passes it over too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from infra.fenced import Applied, FencedCall
from infra.keys import Keys
from streams.partitions import UserPartition
from streams.ports import Outbox, Outgoing, Store

DEATHS_MAX: Final = 3


class Verdict(msgspec.Struct, frozen=True):
    """One verdict; its key on the topic is `<partition>-<offset>`."""

    partition: int
    offset: int
    reason: str = "handler"


def read(values: Iterable[bytes | None]) -> set[tuple[int, int]]:
    """(partition, offset) of each verdict on the topic; a null value takes one back."""
    verdicts = [msgspec.json.decode(value, type=Verdict) for value in values if value]
    return {(v.partition, v.offset) for v in verdicts}


def record(namespace: str, verdict: Verdict) -> Outgoing:
    """The verdict as a record."""
    key = f"{verdict.partition}-{verdict.offset}".encode()
    return Outgoing(f"{namespace}.internal.verdicts", 0, key, msgspec.json.encode(verdict), [])


class Coroner:
    """Notes records before they are handled alone, and passes verdicts."""

    def __init__(self, namespace: str, store: Store, outbox: Outbox, verdicts: set[tuple[int, int]]) -> None:
        self._namespace, self._store, self._outbox, self._verdicts = namespace, store, outbox, verdicts
        self._keys = Keys(namespace)

    async def begin(self, p: UserPartition, offset: int) -> bool:
        """Note that the record at `offset` is begun, or pass the verdict on it; False = the partition was refused.

        What was to be published before must be acknowledged: the note clears `pending`.
        """
        deaths = p.deaths if p.noted == offset else 0
        if deaths >= DEATHS_MAX and (p.n, offset) not in self._verdicts:
            await self._outbox.publish([record(self._namespace, Verdict(p.n, offset))])
            self._verdicts.add((p.n, offset))
        p.noted, p.deaths = offset, deaths + 1
        return await self._write(p, {"noted": offset, "deaths": p.deaths})

    async def acquit(self, p: UserPartition) -> bool:
        """The process ends for a reason that is not the record's fault, or nothing was there to die of."""
        p.noted, p.deaths = -1, 0
        return await self._write(p, {"noted": -1, "deaths": 0})

    async def _write(self, p: UserPartition, fields: dict[str, int]) -> bool:
        cursor, pending = self._keys.user_cursor(p.n), self._keys.user_pending(p.n)
        call = FencedCall(cursor, pending, p.token, p.incarnation, p.next, p.next, dict(fields), b"")
        (reply,) = await self._store.apply([call])
        return isinstance(reply, Applied)
