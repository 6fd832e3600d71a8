"""The inbox between the transport and the rounds: who waits for whom, and who wakes them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from streams.inbox import Chunks, Inbox
from streams.ports import Record


class Held(msgspec.Struct):
    """As much of a record as an inbox looks at: nothing."""

    topic: str = "t"
    partition: int = 0
    offset: int = 0
    timestamp: int = 0
    key: bytes | None = None
    value: bytes | None = None
    headers: Sequence[tuple[str, bytes]] = ()


def records(n: int) -> list[Record]:
    return [Held() for _ in range(n)]


async def take(inbox: Inbox, may_go_on: bool) -> tuple[Chunks, Chunks]:
    return await asyncio.wait_for(inbox.take(lambda: may_go_on), 1.0)


async def test_users_held_back_go_on_after_the_round_that_let_them_without_anything_new() -> None:
    inbox = Inbox(10)
    inbox.put(True, 0, records(10))
    inbox.put(False, 0, records(1))
    users, tracks = await take(inbox, may_go_on=False)
    assert users == {} and len(tracks[0]) == 1
    inbox.done()  # the round folded what the users' side waited for
    users, tracks = await take(inbox, may_go_on=True)
    assert len(users[0]) == 10 and tracks == {}


async def test_users_held_back_wait_for_the_next_deltas() -> None:
    inbox = Inbox(10)
    inbox.put(True, 0, records(10))
    assert await take(inbox, may_go_on=False) == ({}, {})
    inbox.done()
    waiting = asyncio.ensure_future(take(inbox, may_go_on=True))
    await asyncio.sleep(0.01)
    assert not waiting.done(), "without deltas nothing can have changed"
    inbox.put(False, 3, records(1))
    users, tracks = await waiting
    assert len(users[0]) == 10 and len(tracks[3]) == 1


async def test_a_round_takes_a_share_of_each_partition_and_wakes_for_the_rest() -> None:
    inbox = Inbox(10)
    for partition in (0, 1):
        inbox.put(True, partition, records(12))
    taken = [await take(inbox, may_go_on=True) for _ in range(3)]
    assert [{p: len(held) for p, held in users.items()} for users, _ in taken] == [{0: 5, 1: 5}, {0: 5, 1: 5}, {0: 2, 1: 2}]
    inbox.done()
    await asyncio.wait_for(inbox.quiet(), 1.0)
