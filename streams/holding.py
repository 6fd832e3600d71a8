"""Partitions that are held one by one: claimed, watched, given up, claimed again, let go.

What the roles `models` and `catalogue` share: each of their partitions has a lock and a cursor of its own. A plays worker's
partitions share rounds, so it has rules of its own (`plays.py`).
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Final, Generic, TypeVar

import structlog

from streams.claims import Gap
from streams.ports import TP, Applied, FencedCall, Group, Record, Refused, Store

log = structlog.get_logger("segue.holding")

WATCH_S: Final = 2.0
"""How often an idle partition looks whether it is still ours: a flush is noticed without traffic."""


class Held(ABC):
    """One partition in our hands.

    Attributes
    ----------
    position: offset to read next, as it is told to Kafka for lag tools.
    leaving: set when the partition is taken away; work on it ends at the next step.
    lock: held while something is done with the partition.
    """

    def __init__(self, tp: TP, position: int) -> None:
        self.tp, self.position = tp, position
        self.leaving = asyncio.Event()
        self.lock = asyncio.Lock()

    @property
    @abstractmethod
    def cursor(self) -> str:
        """Its key in the store."""

    @property
    @abstractmethod
    def stands(self) -> tuple[str, int]:
        """Token and `next`, as the store must have them while the partition is ours."""


H = TypeVar("H", bound=Held)


class Holder(ABC, Generic[H]):
    """Owner of partitions (`streams/transport.py`, `Owner`), each by itself.

    Parameters
    ----------
    on_crash: told of an exception in the background; it must end the process.

    Attributes
    ----------
    held: the partitions in our hands.
    """

    def __init__(self, store: Store, on_crash: Callable[[BaseException], None] | None) -> None:
        self._store, self._on_crash = store, on_crash
        self._group: Group | None = None
        self.held: dict[TP, H] = {}
        self._again: dict[TP, asyncio.Task[None]] = {}
        self._watching: asyncio.Task[None] | None = None
        self._failed: BaseException | None = None

    @property
    def group(self) -> Group:
        """The transport."""
        assert self._group is not None, "attach comes before the first claim"
        return self._group

    def attach(self, group: Group) -> None:
        """The transport, once there is one; before the first claim."""
        self._group = group

    # --- what a role does ------------------------------------------------------------------------

    @abstractmethod
    async def _take_over(self, tp: TP) -> H | None:
        """Claim it in the store; None = it stays parked. Raises `Gap`, `NeedsRebuild`."""

    @abstractmethod
    async def _let_go(self, held: H) -> None:
        """The last that is done with a partition before it leaves; nothing else works on it by now."""

    @abstractmethod
    async def _look(self, n: int) -> None:
        """What is done every `WATCH_S` beside the look whether partitions are ours; `n` counts up from 1."""

    @abstractmethod
    def _was_fenced(self, held: H) -> None:
        """Tell the metrics."""

    # --- ownership -------------------------------------------------------------------------------

    async def claim(self, tps: Collection[TP]) -> dict[TP, int]:
        """Take partitions over; {tp: offset to read from}. Those of nobody, and one with a gap that was not accepted, stay parked.

        Raises `NeedsRebuild`.
        """
        self._stop_claims(tps)
        found: dict[TP, int] = {}
        for tp in sorted(tps):
            found |= await self._claim(TP(*tp))
        if self._watching is None:
            self._watching = asyncio.ensure_future(self._guarded(self._watch))
        return found

    async def _claim(self, tp: TP) -> dict[TP, int]:
        if (before := self.held.get(tp)) is not None:
            self._forget(before)
        try:
            held = await self._take_over(tp)
        except Gap as gap:
            log.error("gap", topic=tp.topic, partition=tp.partition, message=str(gap))
            return {}
        if held is None:
            return {}
        self.held[tp] = held
        return {tp: held.position}

    async def revoked(self, tps: Collection[TP]) -> None:
        """The partitions are going: let what has begun end, then forget them; the next owner goes on from there."""
        self._stop_claims(tps)
        leaving = [self.held[TP(*tp)] for tp in tps if TP(*tp) in self.held]
        for held in leaving:
            held.leaving.set()
        for held in leaving:
            try:
                async with held.lock:
                    await self._let_go(held)
            finally:
                self._forget(held)

    async def close(self) -> None:
        """Stop all tasks; what is under way is abandoned, as in a crash."""
        tasks = [task for task in (self._watching, *self._again.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def check_owned(self) -> None:
        """Look whether every idle partition is still ours; one that was flushed or rolled back is claimed again."""
        before = [(held, held.stands) for held in self.held.values() if not held.lock.locked()]
        owners = await self._store.owners([held.cursor for held, _ in before])
        for (held, expected), owner in zip(before, owners, strict=True):
            quiet = not held.lock.locked() and held.stands == expected
            if owner != expected and quiet and self.held.get(held.tp) is held:
                self._give_up(held, f"the cursor says {owner}, {expected} was expected")

    def _ours(self, topic: str, chunks: Mapping[int, Sequence[Record]]) -> list[tuple[H, Sequence[Record]]]:
        """Records beside the partition that we hold, for a `receive` to ask before its first wait.

        A partition that is claimed anew meanwhile reads elsewhere, and these records are not its next.
        """
        return [(held, records) for n, records in chunks.items() if (held := self.held.get(TP(topic, n))) is not None]

    def raise_failure(self) -> None:
        """What a task in the background died of ends the reading, too."""
        if self._failed is not None:
            raise RuntimeError("the worker ended") from self._failed

    async def _applied(self, held: H, call: FencedCall) -> bool:
        """Whether the store took the call; a partition that is refused is given up."""
        (answer,) = await self._store.apply([call])
        if isinstance(answer, Applied):
            return True
        assert isinstance(answer, Refused), answer
        self._give_up(held, f"refused: token {answer.token!r}, next {answer.next}, incarnation {answer.incarnation!r}")
        return False

    async def _watch(self) -> None:
        n = 0
        while True:
            await asyncio.sleep(WATCH_S)
            n += 1
            await self.check_owned()
            await self._look(n)
            await self._tell_positions()

    async def _tell_positions(self) -> None:
        """Kafka's group offsets serve lag tools only; nobody reads from them."""
        positions = {held.tp: held.position for held in self.held.values()}
        if positions:
            # Without partitions the process may be stopping, and the transport's thread be gone.
            await self.group.publish_positions(positions)

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception as error:
            self._failed = error
            if self._on_crash is not None:
                self._on_crash(error)

    def _forget(self, held: H) -> None:
        held.leaving.set()
        if self.held.get(held.tp) is held:
            del self.held[held.tp]

    def _give_up(self, held: H, why: str) -> None:
        """Another owner, or a Redis that went back: forget it, claim again once Kafka says that we are still a member.

        One that is leaving is not ours to claim: a fresh token would refuse its next owner.
        """
        log.warning("fenced", topic=held.tp.topic, partition=held.tp.partition, why=why)
        self._was_fenced(held)
        ours = self.held.get(held.tp) is held and not held.leaving.is_set()
        self._forget(held)
        if ours:
            self._again[held.tp] = asyncio.ensure_future(self._guarded(partial(self._claim_again, held.tp)))

    async def _claim_again(self, tp: TP) -> None:
        await self.group.confirmed_member()
        for again, offset in (await self._claim(tp)).items():
            if not await self.group.reposition(again, offset):
                self.held.pop(again, None)
        self._again.pop(tp, None)

    def _stop_claims(self, tps: Collection[TP]) -> None:
        for tp in tps:
            if (task := self._again.pop(TP(*tp), None)) is not None:
                task.cancel()
