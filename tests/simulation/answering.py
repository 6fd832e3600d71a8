"""The answers worker of a world: one process after the other, each until it dies; a frozen one wakes beside its heir.

Its fate has dice of its own, so that the plays workers' plan of faults stays what it was. What strikes the whole world (a flush, a Redis
that goes back, retention) strikes it, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING

from infra.memory_store import MemoryStore, Moment, ReplyLost
from streams.answers_worker import Answers
from streams.ports import TP, Outgoing, Record

if TYPE_CHECKING:
    from tests.simulation.world import World

CRASH, ZOMBIE, LOST = 0.02, 0.01, 0.03
"""Chances at each step; a question has some six, so every third process dies within ten questions."""
DEATHS_MAX = 6
"""Then it is left alone, for a world must come to its end."""


class Dead(Exception):
    """This process has ended, between two instructions."""


class Answering:
    """All answers processes of a world, in turn."""

    def __init__(self, world: World) -> None:
        self.world, self.rng = world, Random(f"answers {world.seed}")
        self.deaths = self.n_published = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._heir: asyncio.Task[None] | None = None

    def start(self) -> None:
        """A process takes all partitions over."""
        self._tasks.append(asyncio.ensure_future(Process(self).live()))

    def succeed(self) -> None:
        """Somebody died or froze: the supervisor starts another, or the session ends and the group gives the partitions away."""

        async def later() -> None:
            await asyncio.sleep(self.rng.choice((0.0, 0.05, 1.0)))
            self.start()

        self._heir = asyncio.ensure_future(later())

    async def end(self) -> None:
        """The world is over."""
        tasks = [*self._tasks, *([self._heir] if self._heir is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Process:
    """One process; it is its worker's group and outbox, too."""

    def __init__(self, role: Answering) -> None:
        self._role, self._world, self._rng = role, role.world, role.rng
        self._position: dict[TP, int] = {}
        self._frozen = self._dead = False
        self._death: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        world = role.world
        store = MemoryStore(world.redis, namespace=world.settings.namespace, pause=self._at_store)
        self._worker = Answers(world.settings, store, self, world, fresh_token=world.fresh_token, on_crash=self._ended)
        self._worker.attach(self)

    async def live(self) -> None:
        """Until it dies, or the world is over."""
        work = asyncio.ensure_future(self._work())
        try:
            await asyncio.wait({work, self._death}, return_when=asyncio.FIRST_COMPLETED)
            if work.done() and (error := work.exception()) is not None:
                self._ended(error)
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            await self._worker.close()

    async def _work(self) -> None:
        topic = self._world.events_topic
        await self._claim([TP(topic, n) for n in range(self._world.settings.events_partitions)])
        while True:
            chunks: dict[int, Sequence[Record]] = {}
            for tp, at in sorted(self._position.items()):
                log = self._world.log[tp]
                if at < log.first:
                    await self._claim([tp])  # the broker says "out of range"
                    continue
                records, self._position[tp] = log.read(at, self._rng.choice((1, 3, 20)))
                if records:
                    chunks[tp.partition] = records
            if chunks:
                await self._worker.receive(topic, chunks)
            await asyncio.sleep(0 if chunks else 0.1)

    async def _claim(self, tps: list[TP]) -> None:
        self._position |= await self._worker.claim(tps)

    def _ended(self, error: BaseException) -> None:
        if self._death.done():
            return
        if not isinstance(error, Dead | asyncio.CancelledError):
            self._world.alarms.append(error)
        self._die()

    def _die(self) -> None:
        self._dead = True
        if not self._death.done():
            self._death.set_result(None)
            if not self._frozen:
                self._role.succeed()

    async def _step(self, name: str) -> bool:
        """Come to a step; says whether a reply is lost here."""
        if self._dead:
            await asyncio.get_running_loop().create_future()
        dice = self._rng.random()
        if dice >= CRASH + ZOMBIE + LOST or self._role.deaths >= DEATHS_MAX:
            return False
        if dice < LOST:
            return True
        self._role.deaths += 1
        self._world.tell(f"the answers worker {'dies' if dice < LOST + CRASH else 'freezes'} at {name}")
        if dice < LOST + CRASH or self._frozen:
            self._die()
            raise Dead(name)
        self._frozen = True
        self._role.succeed()
        await asyncio.sleep(self._rng.choice((0.1, 1.0, 3.0)))
        return False

    # --- the doors -------------------------------------------------------------------------------

    async def _at_store(self, moment: Moment) -> None:
        # Rows are read by the hundred, and one read is like another.
        if moment.op not in {"read", "text"} and await self._step(f"{moment.op} {moment.when}"):
            raise ReplyLost

    async def publish(self, records: Sequence[Outgoing]) -> None:
        await self._step("publish")
        for record in records:
            self._land(record)
        if await self._step("published"):
            for record in records:
                self._land(record)

    def _land(self, record: Outgoing) -> None:
        self._role.n_published += 1
        self._world.land_answer(record)

    # --- the group -------------------------------------------------------------------------------

    async def bounds(self, tps: Collection[TP]) -> dict[TP, tuple[int, int]]:
        return {tp: (self._world.log[tp].first, self._world.log[tp].end) for tp in tps}

    async def reposition(self, tp: TP, offset: int) -> bool:
        self._position[tp] = offset
        return True

    async def confirmed_member(self) -> None:
        """A heartbeat: one that was frozen learns that others took over."""
        await asyncio.sleep(0.1)
        if self._frozen:
            self._die()
            raise Dead("told")

    async def read_one(self, tp: TP, offset: int) -> Record:
        raise AssertionError("an answers worker reads nothing again")

    async def read_all(self, topic: str) -> list[bytes | None]:
        return [record.value for record in self._world.log[TP(topic, 0)].compacted()]

    async def publish_positions(self, positions: Mapping[TP, int]) -> None:
        return
