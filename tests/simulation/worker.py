"""One process of the simulated group: a plays worker, its doors to store and broker, and what it believes to own."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from infra.memory_store import MemoryStore, Moment, ReplyLost
from streams.plays import Plays
from streams.ports import TP, Outgoing, Record
from tests.simulation.decisions import Nervous

if TYPE_CHECKING:
    from tests.simulation.world import World

T = TypeVar("T")

IDLE_S, IDLE_MAX_S = 0.02, 0.32
"""Between two looks of a fetch that found nothing: doubling, for a world's time is spent in idle looks otherwise."""


class Crash(Exception):
    """This process ends, between two instructions."""


class Worker:
    """A process: it lives until a crash, and may be a zombie for a while (frozen, then unaware)."""

    def __init__(self, world: World, name: str) -> None:
        self.world, self.name = world, name
        self.alive = True
        self.position: dict[TP, int] = {}
        """Where the fetcher reads on; only what this worker believes to own."""
        self.began: dict[TP, int] = {}
        """Offset from which the last claim let it read."""
        self.before: dict[TP, tuple[str, int]] = {}
        """Incarnation ("" without a cursor) and `next` in the store when its last apply or start began."""
        self.chunk_max = world.rng.choice((1, 3, 10, 50))
        self._awake = asyncio.Event()
        self._awake.set()
        self._rebalancing = asyncio.Lock()
        """The group calls a member once at a time."""
        self._death: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.store = MemoryStore(world.redis, namespace=world.settings.namespace, pause=self._at_store)
        self.plays = Plays(world.settings, self.store, self, world, fresh_token=world.fresh_token, on_crash=self._ended)
        self.plays.pipeline.drift.watch = Nervous()
        self.plays.attach(self)
        topics = (self.plays.events_topic, self.plays.deltas_topic)
        self._fetching = [asyncio.ensure_future(self._fetch(topic)) for topic in topics]

    def __repr__(self) -> str:
        return self.name

    # --- life and death --------------------------------------------------------------------------

    async def step(self, name: str) -> str:
        """Come to a step; returns "lost reply" if that is what strikes, for the caller to act on."""
        await self._running()
        fault = self.world.plan.visit(name)
        if not fault:
            return ""
        self.world.tell(f"{fault} at {name} of {self}")
        if fault == "crash":
            self.die()
            raise Crash(name)
        if fault == "zombie":
            self._awake.clear()
            self.world.take_over(self)
            await self._running()
        elif fault != "lost reply":
            self.world.strike(fault, self)
        return fault

    async def _running(self) -> None:
        """Until it is awake; for ever when it is dead: nothing that a dead process had under way goes on."""
        while not self._awake.is_set():
            await self._awake.wait()
        if not self.alive:
            await asyncio.get_running_loop().create_future()

    def wake(self) -> None:
        self._awake.set()

    def die(self) -> None:
        if self.alive:
            self.alive = False
            self._death.set_result(None)
            self.world.died(self)

    def _ended(self, error: BaseException) -> None:
        """The rounds ended: by a crash of ours, or by a bug or an alarm of theirs. What a dead process had under way tells nobody."""
        if self.alive and not isinstance(error, Crash):
            self.world.alarm(self, error)
            self.die()

    async def bury(self) -> None:
        """End the tasks of a dead process."""
        for task in self._fetching:
            task.cancel()
        await self.plays.close()

    # --- ownership -------------------------------------------------------------------------------

    async def claim(self, tps: Collection[TP]) -> None:
        """The group assigned these; what it believes to own of them from before is revoked first."""
        async with self._rebalancing:
            await self._revoke(tps)
            found = await self._while_alive(self._take_over(tps))
            if found is None:
                return
        assert set(found) == set(tps), f"{self}: {sorted(set(tps) - set(found))} parked although gaps are accepted"

    async def settle(self) -> None:
        """Until it has written and published what it received, or is dead: a dead process never has."""
        await self._while_alive(self.plays.settle())

    async def _take_over(self, tps: Collection[TP]) -> dict[TP, int]:
        """Claim and read on there with nothing in between, as the transport's epochs do (`ChunkConsumer._place`)."""
        found = await self.plays.claim(tps)
        for tp, offset in found.items():
            self._read_from(tp, offset)
        return found

    async def revoke(self, tps: Collection[TP]) -> None:
        """The group took these away, and says so."""
        async with self._rebalancing:
            await self._revoke(tps)

    async def _revoke(self, tps: Collection[TP]) -> None:
        known = [tp for tp in tps if self.position.pop(tp, None) is not None]
        if known:
            await self._while_alive(self.plays.revoked(known))
            for tp in known:
                self.position.pop(tp, None)  # claimed again while we waited: an assignment begins parked

    async def _while_alive(self, work: Coroutine[None, None, T]) -> T | None:
        """What the process does when the group calls it; None when it dies of it, or of something else meanwhile."""
        task = asyncio.ensure_future(work)
        either: set[asyncio.Future[Any]] = {task, self._death}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not task.done() or (task.cancelled() and self._death.done()):
            task.cancel()  # or its death took with it what the work waited for
            return None
        error = task.exception()
        if error is not None:
            self._ended(error)
            return None
        return task.result()

    def _read_from(self, tp: TP, offset: int) -> None:
        if self.world.believes(self, tp):
            self.position[tp] = offset
            self.began[tp] = offset

    async def _fetch(self, topic: str) -> None:
        idle_s = IDLE_S
        try:
            while True:
                lost = await self.step("fetch") == "lost reply"
                chunks = {} if lost else self._chunks(topic)
                if chunks:
                    await self.plays.receive(topic, chunks)
                    idle_s = IDLE_S
                await asyncio.sleep(0 if chunks else idle_s)
                idle_s = min(2 * idle_s, IDLE_MAX_S)
        except Crash:
            return
        except RuntimeError as error:
            # `receive` says that the rounds ended: their own error was told already.
            if str(error) != "the rounds ended":
                raise

    def _chunks(self, topic: str) -> dict[int, list[Record]]:
        chunks: dict[int, list[Record]] = {}
        for tp in sorted(self.position):
            log = self.world.log[tp]
            if tp.topic != topic:
                continue
            if self.position[tp] < log.first:
                # The broker says "out of range": the transport parks the partition and claims it anew.
                del self.position[tp]
                self.world.spawn(self.claim([tp]))
                continue
            records, self.position[tp] = log.read(self.position[tp], self.chunk_max)
            if records:
                chunks[tp.partition] = list(records)
        return chunks

    # --- the group, as the worker sees it --------------------------------------------------------

    async def bounds(self, tps: Collection[TP]) -> dict[TP, tuple[int, int]]:
        await self._running()
        return {tp: (self.world.log[tp].first, self.world.log[tp].end) for tp in tps}

    async def reposition(self, tp: TP, offset: int) -> bool:
        # From the call on nothing is delivered that was fetched before it (`ChunkConsumer._place`).
        if not self.world.believes(self, tp):
            return False
        self._read_from(tp, offset)
        await self._running()
        return tp in self.position

    async def confirmed_member(self) -> None:
        """A heartbeat: a zombie learns here what it lost."""
        await asyncio.sleep(0.1)
        await self._running()
        # The group calls back in a task of its own, which goes on if the caller of this is cancelled by it.
        await asyncio.shield(self.world.spawn(self.world.told(self)))

    async def read_one(self, tp: TP, offset: int) -> Record:
        await self._running()
        return next(record for record in self.world.log[tp].records if record.offset == offset)

    async def read_all(self, topic: str) -> list[bytes | None]:
        await self._running()
        return [record.value for record in self.world.log[TP(topic, 0)].compacted()]

    async def publish_positions(self, positions: Mapping[TP, int]) -> None:
        await self._running()

    # --- the outbox ------------------------------------------------------------------------------

    async def publish(self, records: Sequence[Outgoing]) -> None:
        """Records land in two parts; a lost acknowledgement lands them once more."""
        await self.step("publish")
        await asyncio.sleep(self.world.latency_s())
        await self._running()
        half = self.world.rng.randint(0, len(records))
        self.world.land(self, records[:half])
        if await self.step("half published") == "lost reply":
            self.world.land(self, records[:half])
        self.world.land(self, records[half:])
        if await self.step("published") == "lost reply":
            self.world.land(self, records)
        await asyncio.sleep(self.world.latency_s())
        await self._running()

    # --- the store -------------------------------------------------------------------------------

    async def _at_store(self, moment: Moment) -> None:
        if moment.when == "after":
            self.world.watch(self, moment)
        await self._running()
        if self.world.rng.random() < 0.3:
            await asyncio.sleep(0)
        step = _step_of(moment)
        if step and await self.step(step) == "lost reply":
            raise ReplyLost
        await self._running()
        if moment.when == "before":
            self.world.watch(self, moment)


def _step_of(moment: Moment) -> str:
    """The row of the coverage table, "" for moments that are none."""
    op, when, key = moment
    before = when == "before"
    if op == "apply":
        side = "users" if "{u" in key else "tracks"
        return f"apply {side}" if before else f"{side} applied"
    if op == "claim":
        return "claim" if before else "claimed"
    if op in {"found", "mark", "start_cursor"}:
        return "found"
    if op in {"read", "text"}:
        return "load" if before else ""
    return "watch" if op == "owners" and before else ""
