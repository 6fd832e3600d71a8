"""What was received and not handled yet: the next round fills up here while one is under way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from streams.ports import Record

Chunks = dict[int, list[Record]]

ROUNDS_WAITING: int = 2
"""Records that may wait, in rounds; beyond it the transport is held back."""
TRACK_RECORDS_MAX: int = 256
"""Delta records that may wait; each holds the items of a whole round."""


class Inbox:
    """Records by side (users or tracks) and partition.

    Parameters
    ----------
    round_max: events that one round takes at most.
    """

    def __init__(self, round_max: int) -> None:
        self._round_max = round_max
        self._held: tuple[Chunks, Chunks] = ({}, {})
        self._n = [0, 0]
        self._wake, self._still = asyncio.Event(), asyncio.Event()
        self._room = (asyncio.Event(), asyncio.Event())
        self._busy = False
        self._still.set()
        self.open_all()

    def _max(self, side: int) -> int:
        return TRACK_RECORDS_MAX if side else ROUNDS_WAITING * self._round_max

    def put(self, users: bool, partition: int, records: list[Record]) -> None:
        """Hold records; they follow those held before."""
        side = 0 if users else 1
        held = self._held[side].setdefault(partition, [])
        held.extend(records)
        self._count(side, len(records))
        self._still.clear()
        self._wake.set()

    def _count(self, side: int, n: int) -> None:
        self._n[side] += n
        if self._n[side] >= self._max(side):
            self._room[side].clear()
        else:
            self._room[side].set()

    def holds(self, partition: int) -> bool:
        """Is an event of this partition held, or a round under way?"""
        return self._busy or partition in self._held[0]

    def forget(self, users: bool, partition: int) -> None:
        """Drop what is held of a partition."""
        side = 0 if users else 1
        self._count(side, -len(self._held[side].pop(partition, ())))
        self._settle()

    async def room(self, users: bool) -> None:
        """Until there is room on that side."""
        await self._room[0 if users else 1].wait()

    def open_all(self) -> None:
        """Hold nobody back any more: no round will come."""
        for event in (*self._room, self._still):
            event.set()

    def nudge(self) -> None:
        """Let a round begin even if there is nothing to take."""
        self._wake.set()

    async def take(self, users_may_go_on: Callable[[], bool]) -> tuple[Chunks, Chunks]:
        """Wait for work, then take all delta records, and events up to `round_max` from all partitions in turn."""
        await self._wake.wait()
        self._wake.clear()
        self._busy = True
        self._still.clear()
        tracks = dict(self._held[1])
        self._held[1].clear()
        self._count(1, -self._n[1])
        if self._n[0] > self._round_max // 2 and not users_may_go_on():
            if tracks:
                # Folding them may be all that the users wait for, and nobody else would wake us then.
                self._wake.set()
            return {}, tracks
        users = self._take_users()
        if self._n[0]:
            self._wake.set()
        return users, tracks

    def _take_users(self) -> Chunks:
        held = self._held[0]
        if self._n[0] <= self._round_max:
            users = dict(held)
            held.clear()
        else:
            share = max(1, self._round_max // len(held))
            users = {}
            for partition in list(held):
                records = held[partition]
                users[partition], rest = records[:share], records[share:]
                if rest:
                    held[partition] = rest
                else:
                    del held[partition]
        self._count(0, -sum(map(len, users.values())))
        return users

    def done(self) -> None:
        """The round that `take` began is over."""
        self._busy = False
        self._settle()

    def _settle(self) -> None:
        if not self._busy and not self._held[0] and not self._held[1]:
            self._still.set()

    async def quiet(self) -> None:
        """Until nothing is held and no round is under way."""
        await self._still.wait()
