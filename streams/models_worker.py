"""The role `models`: each lessons partition is folded into its model, and snapshots go to the store.

Only a snapshot moves the stored cursor, so a crash goes back to the last one and reads the lessons
behind it again: each is learned once by the model that survives. Reading is ahead of the store by at
most one snapshot's worth of lessons.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from secrets import token_hex
from typing import Any, Final, Protocol

from infra.keys import Keys
from infra.settings import Settings
from online_models.registry import by_partition
from streams.model_fold import Fold
from streams.model_shelf import Kept, Shelf
from streams.ports import Applied, Clock, FencedCall, Outbox, Record, Refused, Store

log = logging.getLogger("segue.models")

SNAPSHOT_LESSONS_MIN: Final = 50
"""The first snapshot comes early: entries get their `finish` within seconds of the first plays."""
SNAPSHOT_LESSONS_MAX: Final = 500
"""Lessons that a crash repeats at most: 500 take 40 ms, a snapshot 3 ms."""
SNAPSHOT_SHARE: Final = 8
"""In between, a model is saved when it grew by an eighth."""
SLICE_LESSONS: Final = 25
"""Lessons between two turns of the event loop: about 2 ms."""


class Reader(Protocol):
    """What of the transport this role needs (`streams/transport.py`)."""

    async def reposition(self, tp: Any, offset: int) -> bool: ...

    async def confirmed_member(self) -> None: ...

    async def bounds(self, tps: Collection[Any]) -> dict[Any, tuple[int, int]]: ...


class LogTooShort(RuntimeError):
    """The cursor lies beyond the log's end: the topic was created anew under a living cursor."""


class CursorOfAnother(RuntimeError):
    """The cursor belongs to another incarnation than the namespace."""


def snapshot_after(n_lessons: int) -> int:
    """Lessons to learn before the next snapshot, for a model that has learned `n_lessons`.

    >>> [snapshot_after(n) for n in (0, 800, 1_000_000)]
    [50, 100, 500]
    """
    return min(max(n_lessons // SNAPSHOT_SHARE, SNAPSHOT_LESSONS_MIN), SNAPSHOT_LESSONS_MAX)


class Held:
    """One lessons partition in our hands: its model in memory and where the store stands."""

    def __init__(self, tp: Any, shelf: Shelf, kept: Kept, token: str) -> None:
        self.tp, self.shelf, self.kept, self.token = tp, shelf, kept, token
        self.fold: Fold = kept.fold
        self.position = kept.position
        self.unsaved = 0
        self.leaving = False
        self.lock = asyncio.Lock()

    @property
    def due(self) -> bool:
        """A snapshot is worth its price, and the fold has caught up with the stored cursor (after a rebuild)."""
        return self.unsaved >= snapshot_after(self.fold.model.n_lessons) and self.position >= self.kept.next


class Models:
    """Owner of lessons partitions (`streams/transport.py`, `Owner`).

    Parameters
    ----------
    outbox: given to every role; this one publishes nothing.
    fresh_token: makes the random token of a claim, 16 hex digits.

    Attributes
    ----------
    reader: the transport, once there is one; with it a refused partition is claimed again by itself.
    rebuilds: snapshots refused since the start, each followed by a replay of the lessons.
    """

    def __init__(
        self, settings: Settings, store: Store, outbox: Outbox, clock: Clock, fresh_token: Callable[[], str] = lambda: token_hex(8)
    ) -> None:
        self._topic = f"{settings.namespace}.internal.lessons"
        self._keys = Keys(settings.namespace)
        self._accept_gap = settings.accept_gap
        self._store, self._clock = store, clock
        self._fresh_token = fresh_token
        self.held: dict[int, Held] = {}
        self.reader: Reader | None = None
        self.rebuilds = 0
        self._again: dict[Any, asyncio.Task[None]] = {}

    # --- ownership -------------------------------------------------------------------------------

    async def claim(self, tps: Collection[Any]) -> dict[Any, int]:
        """Take over the partitions that a model learns from; {tp: offset to read from}.

        Raises `LogTooShort`, `CursorOfAnother`.
        """
        self._stop_claims(tps)
        return await self._claim(tps)

    async def _claim(self, tps: Collection[Any]) -> dict[Any, int]:
        found: dict[Any, int] = {}
        for tp in sorted(tps, key=lambda tp: (tp.topic, tp.partition)):
            entry = by_partition(tp.partition) if tp.topic == self._topic else None
            if entry is None:
                continue
            held = await self._take_over(tp, Shelf(self._keys, entry))
            held.position = await self._inside_the_log(held)
            self.held[tp.partition] = held
            found[tp] = held.position
        return found

    async def _take_over(self, tp: Any, shelf: Shelf) -> Held:
        self.held.pop(tp.partition, None)
        token, incarnation = self._fresh_token(), await self._incarnation()
        claimed = await self._store.claim(shelf.cursor, shelf.pending, token)
        while not claimed.fields:
            await self._store.start_cursor(shelf.cursor, {"token": token, "next": 0, "incarnation": incarnation})
            claimed = await self._store.claim(shelf.cursor, shelf.pending, token)
        if claimed.fields["incarnation"].decode() != incarnation:
            raise CursorOfAnother(
                f"{shelf.cursor} belongs to incarnation {claimed.fields['incarnation']!r}, "
                f"the namespace is {incarnation!r}; run `segue rebuild`"
            )
        kept = await shelf.load(self._store, claimed, incarnation)
        if kept.trouble:
            self.rebuilds += 1
            log.error("model %s: its snapshot was refused (%s); learning all lessons again from the log", shelf.entry.name, kept.trouble)
        kept.fold.accept_gap = self._accept_gap
        return Held(tp, shelf, kept, token)

    async def _incarnation(self) -> str:
        """The namespace's incarnation; the first worker of a new namespace makes it."""
        meta = await self._store.meta()
        if not meta:
            meta = await self._store.found({"incarnation": self._fresh_token()[:8]})
        return meta["incarnation"].decode()

    async def _inside_the_log(self, held: Held) -> int:
        """Where to read: numbers, not offsets, tell whether a lesson was lost, so a position that retention passed moves on."""
        if self.reader is None:
            return held.position
        first, end = (await self.reader.bounds({held.tp}))[held.tp]
        if held.kept.next > end:
            raise LogTooShort(
                f"{held.shelf.cursor} stands at {held.kept.next}, {held.tp.topic}-{held.tp.partition} ends at {end}: was it created anew?"
            )
        if held.position < first:
            log.warning("%s-%d begins at %d; reading from there instead of %d", held.tp.topic, held.tp.partition, first, held.position)
        return max(held.position, int(first))

    async def revoked(self, tps: Collection[Any]) -> None:
        """Save what was learned, then forget: the next owner goes on from there."""
        self._stop_claims(tps)
        leaving = [self.held[tp.partition] for tp in tps if tp.topic == self._topic and tp.partition in self.held]
        for held in leaving:
            held.leaving = True
        for held in leaving:
            try:
                async with held.lock:
                    await self._save(held)
            finally:
                self._forget(held)

    def _forget(self, held: Held) -> None:
        held.leaving = True
        if self.held.get(held.tp.partition) is held:
            del self.held[held.tp.partition]

    async def check(self) -> None:
        """Every 2 s: an idle partition whose cursor is no longer ours (flushed, rolled back) is claimed again.

        Raises what a claim in the background died of.
        """
        self._raise_failed_claims()
        before = [(held, (held.token, held.kept.next)) for held in self.held.values() if not held.lock.locked()]
        owners = await self._store.owners([held.shelf.cursor for held, _ in before])
        for (held, expected), owner in zip(before, owners, strict=True):
            quiet = not held.lock.locked() and (held.token, held.kept.next) == expected
            if owner != expected and quiet and self.held.get(held.tp.partition) is held:
                self._give_up(held, f"the cursor says {owner}, {expected} was expected")

    # --- lessons ---------------------------------------------------------------------------------

    async def receive(self, topic: str, chunks: Mapping[int, Sequence[Record]]) -> None:
        """Learn every record of the partitions we hold; returns when that is done.

        Raises `NumberGap` when lessons are missing (stop and alarm), and what a claim in the background died of.
        """
        self._raise_failed_claims()
        for partition, records in chunks.items():
            held = self.held.get(partition)
            if topic == self._topic and held is not None:
                async with held.lock:
                    await self._learn(held, records)

    async def _learn(self, held: Held, records: Sequence[Record]) -> None:
        for record in records:
            if held.leaving:
                return
            if record.offset < held.position:
                continue
            held.position = record.offset
            for n, _ in enumerate(held.fold.record(record.offset, record.value), 1):
                held.unsaved += 1
                if held.due and not await self._save(held):
                    return
                if n % SLICE_LESSONS == 0:
                    await asyncio.sleep(0)
                if held.leaving:
                    return
            held.position = record.offset + 1
            # A record without a new lesson still moves the cursor, so that it is not read for ever.
            held.unsaved += 1

    async def settle(self) -> None:
        """Save every model that learned something since its last snapshot."""
        for held in list(self.held.values()):
            async with held.lock:
                await self._save(held)

    # --- snapshots -------------------------------------------------------------------------------

    async def _save(self, held: Held) -> bool:
        """One snapshot, unless nothing happened or a rebuild is still behind the stored cursor; False when refused."""
        if not held.unsaved or held.position < held.kept.next or self.held.get(held.tp.partition) is not held:
            return True
        saving = held.shelf.saving(held.kept, held.position, held.token, self._clock.now_ms())
        held.unsaved = 0
        for call in saving.calls:
            if not await self._applied(held, call):
                return False
        held.kept = saving.kept
        return True

    async def _applied(self, held: Held, call: FencedCall) -> bool:
        (answer,) = await self._store.apply([call])
        if isinstance(answer, Applied):
            return True
        assert isinstance(answer, Refused), answer
        self._give_up(held, f"refused: token {answer.token!r}, next {answer.next}, incarnation {answer.incarnation!r}")
        return False

    def _give_up(self, held: Held, why: str) -> None:
        """Another owner, or a Redis that went back: forget the model, claim again once Kafka says that we are still a member."""
        log.warning("model %s is no longer ours or went back (%s); claiming it again", held.shelf.entry.name, why)
        self._forget(held)
        if self.reader is not None:
            self._again[held.tp] = asyncio.get_running_loop().create_task(self._claim_again(self.reader, held.tp))

    async def _claim_again(self, reader: Reader, tp: Any) -> None:
        await reader.confirmed_member()
        for again, offset in (await self._claim({tp})).items():
            await reader.reposition(again, offset)

    def _stop_claims(self, tps: Collection[Any]) -> None:
        for tp in tps:
            if (task := self._again.pop(tp, None)) is not None:
                task.cancel()

    def _raise_failed_claims(self) -> None:
        for tp, task in list(self._again.items()):
            if task.done():
                del self._again[tp]
                task.result()
