"""The role `models`: each lessons partition is folded into its model, and snapshots go to the store.

Only a snapshot moves the stored cursor, so a crash goes back to the last one and reads the lessons
behind it again: each is learned once by the model that survives. Reading is ahead of the store by at
most one snapshot's worth of lessons.

What a model decided is stored with the snapshot that knows of it, then published; no snapshot follows before
that is acknowledged, so a claim publishes again what a crash left, under the same ids.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from secrets import token_hex
from typing import Final

import structlog

from infra.keys import Keys
from infra.model_key import model_key
from infra.settings import Settings
from online_models.registry import by_partition
from streams.claims import Claims
from streams.contract import Decision
from streams.holding import Held, Holder
from streams.model_decisions import DRIFT, REBUILT, decode, encode, rebuilt, records
from streams.model_fold import Fold
from streams.model_shelf import Kept, Shelf
from streams.model_versions import Wish, decode_wish
from streams.observe_models import ModelsObserver, SilentModels
from streams.ports import TP, Clock, Outbox, Record, Store

log = structlog.get_logger("segue.models")

SNAPSHOT_LESSONS_MIN: Final = 50
"""The first snapshot comes early: entries get their `finish` within seconds of the first plays."""
SNAPSHOT_SHARE: Final = 8
"""In between, a model is saved when it grew by an eighth."""
IDLE_WATCHES: Final = 5
"""Looks (so 10 s) after which a model with unsaved lessons is saved, however few: a quiet service sees its model too."""
LEAVE_S: Final = 1.0
"""What a publication gets when its partition is taken away meanwhile."""
SLICE_US: Final = 2_000
"""Of learning between two turns of the event loop."""


def snapshot_after(n_lessons: int, unsaved_max: int) -> int:
    """Lessons to learn before the next snapshot, for a model that has learned `n_lessons`.

    >>> [snapshot_after(n, 500) for n in (0, 800, 1_000_000)]
    [50, 100, 500]
    """
    return min(max(n_lessons // SNAPSHOT_SHARE, SNAPSHOT_LESSONS_MIN), unsaved_max)


class HeldModel(Held):
    """One lessons partition in our hands: its model in memory and where the store stands."""

    def __init__(self, tp: TP, shelf: Shelf, kept: Kept, token: str, position: int) -> None:
        super().__init__(tp, position)
        self.shelf, self.kept, self.token = shelf, kept, token
        self.fold: Fold = kept.fold
        self.unsaved = 0
        self.told = copy(kept.fold.counts)
        self.unpublished = False
        """A publication was given up: it waits in the store for the next owner, and nothing may be stored over it."""

    @property
    def cursor(self) -> str:
        return self.shelf.cursor

    @property
    def stands(self) -> tuple[str, int]:
        return self.token, self.kept.next

    @property
    def due(self) -> bool:
        """A snapshot is worth its price, and the fold has caught up with the stored cursor (after a rebuild)."""
        return self.unsaved >= snapshot_after(self.fold.counts.applied, self.fold.entry.unsaved_max) and self.position >= self.kept.next


class Models(Holder[HeldModel]):
    """Owner of lessons partitions.

    Parameters
    ----------
    outbox: takes the decisions.
    fresh_token: makes the random token of a claim, 16 hex digits.

    on_crash: told of an exception in the background; it must end the process.

    Raises `SettingsError` when the key of models cannot be read.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        outbox: Outbox,
        clock: Clock,
        *,
        fresh_token: Callable[[], str] = lambda: token_hex(8),
        observe: ModelsObserver | None = None,
        on_crash: Callable[[BaseException], None] | None = None,
    ) -> None:
        super().__init__(store, on_crash)
        self._settings, self._outbox, self._clock = settings, outbox, clock
        self._topic = f"{settings.namespace}.internal.lessons"
        self._keys, self._key = Keys(settings.namespace), model_key(settings)
        self._fresh_token = fresh_token
        self._observe = observe or SilentModels()

    # --- ownership -------------------------------------------------------------------------------

    async def _take_over(self, tp: TP) -> HeldModel | None:
        """None where no model learns from the partition. Raises `Gap`, `NeedsRebuild`."""
        entry = by_partition(tp.partition) if tp.topic == self._topic else None
        if entry is None:
            return None
        shelf = Shelf(self._keys, entry, self._key)
        claims = Claims(self._settings, self._store, self.group, self._fresh_token)
        token, claimed = await claims.claim(shelf.cursor, shelf.pending, tp.topic, tp.partition, f"m:{shelf.entry.name}")
        if claimed.pending:
            await self._outbox.publish(records(self._settings.namespace, decode(claimed.pending)))
        kept = await shelf.load(self._store, claimed)
        if kept.refused:
            again = rebuilt(kept.fold.incarnation, shelf.entry.name, kept.version, self._clock.now_ms(), kept.refused.reason)
            kept.fold.decided.append(again)
            log.error("snapshot refused, learning all lessons again from the log", model=shelf.entry.name, why=str(kept.refused))
        self._observe.claimed(shelf.entry.name, kept.refused.reason if kept.refused else "")
        kept.fold.accept_gap = self._settings.accept_gap
        # A rebuild starts at 0, which retention may have passed; the lessons' numbers tell whether one is missing.
        position = max(kept.position, (await self.group.bounds({tp}))[tp][0])
        return HeldModel(tp, shelf, kept, token, position)

    async def _let_go(self, held: HeldModel) -> None:
        """Save what was learned: the next owner goes on from there."""
        await self._save(held)

    async def _look(self, n: int) -> None:
        await self.answer_wishes()
        if n % IDLE_WATCHES == 0:
            await self.settle()

    def _was_fenced(self, held: HeldModel) -> None:
        self._observe.fenced(held.shelf.entry.name)

    async def answer_wishes(self) -> None:
        """Turn what is served to the version that an operator wants, or say why not; each wish once."""
        helds = list(self.held.values())
        raws = await self._store.text([self._keys.wish(held.shelf.entry.name) for held in helds]) if helds else []
        for held, raw in zip(helds, raws, strict=True):
            wish = decode_wish(raw)
            if wish is not None and wish.id != held.kept.wish:
                async with held.lock:
                    await self._answer(held, wish)

    async def _answer(self, held: HeldModel, wish: Wish) -> None:
        if self.held.get(held.tp) is not held or held.unpublished or not held.kept.version:
            return
        answer = await held.shelf.answering(self._store, held.kept, held.token, wish)
        if await self._applied(held, answer.call):
            held.kept = answer.kept
            self._observe.served(held.shelf.entry.name, held.kept.served)
            log.info("wish", model=held.shelf.entry.name, verb=wish.verb, version=wish.version, refused=answer.why)
            await self._publish(held, answer.decided)

    # --- lessons ---------------------------------------------------------------------------------

    async def receive(self, topic: str, chunks: Mapping[int, Sequence[Record]]) -> None:
        """Learn every record of the partitions we hold; returns when that is done.

        Raises `NumberGap` when lessons are missing (stop and alarm), and what a claim in the background died of.
        """
        self.raise_failure()
        for held, chunk in self._ours(topic, chunks):
            async with held.lock:
                await self._learn(held, chunk)

    async def _learn(self, held: HeldModel, chunk: Sequence[Record]) -> None:
        for record in chunk:
            if held.leaving.is_set():
                return
            if record.offset < held.position:
                continue
            held.position = record.offset
            if not await self._learn_record(held, record):
                return
            held.position = record.offset + 1
            if held.position <= held.kept.next:
                # A rebuild decides again what its first life has published.
                held.fold.decided = [decision for decision in held.fold.decided if decision.decision == REBUILT]
            # A record without a new lesson still moves the cursor, so that it is not read for ever.
            held.unsaved += 1

    async def _learn_record(self, held: HeldModel, record: Record) -> bool:
        """False when the partition is no longer ours to learn from."""
        slice_lessons = max(SLICE_US // held.fold.entry.lesson_us, 1)
        for n, _ in enumerate(held.fold.record(record.offset, record.value, record.timestamp), 1):
            held.unsaved += 1
            if held.due and not await self._save(held):
                return False
            if n % slice_lessons == 0:
                await asyncio.sleep(0)
            if held.leaving.is_set():
                return False
        return True

    async def settle(self) -> None:
        """Save every model that learned something since its last snapshot."""
        for held in list(self.held.values()):
            async with held.lock:
                await self._save(held)

    # --- snapshots -------------------------------------------------------------------------------

    async def _save(self, held: HeldModel) -> bool:
        """One snapshot, unless nothing happened or a rebuild is still behind the stored cursor; False when refused."""
        idle = not held.unsaved or held.unpublished
        if idle or held.position < held.kept.next or self.held.get(held.tp) is not held:
            return True
        decided, held.fold.decided = held.fold.decided, []
        saving = held.shelf.saving(held.kept, held.position, held.token, self._clock.now_ms(), encode(decided))
        held.unsaved, held.fold.answers = 0, {}
        for call in saving.calls:
            if not await self._applied(held, call):
                return False
        held.kept = saving.kept
        self._tell(held)
        self._observe.drifted(held.shelf.entry.name, sum(decision.decision == DRIFT for decision in decided))
        await self._publish(held, decided)
        return True

    async def _publish(self, held: HeldModel, decided: Sequence[Decision]) -> None:
        """Until it is acknowledged, or until the partition is taken away: then the next owner publishes it."""
        if not decided:
            return
        log.info("decided", model=held.shelf.entry.name, decisions=[d.decision for d in decided])
        acknowledged = asyncio.ensure_future(self._outbox.publish(records(self._settings.namespace, decided)))
        leaving = asyncio.ensure_future(held.leaving.wait())
        await asyncio.wait({acknowledged, leaving}, return_when=asyncio.FIRST_COMPLETED)
        leaving.cancel()
        await asyncio.wait({acknowledged}, timeout=LEAVE_S)
        if acknowledged.done():
            acknowledged.result()
        else:
            held.unpublished = True
            # What comes of it is nobody's business any more: the next owner publishes it in any case.
            acknowledged.add_done_callback(lambda task: None if task.cancelled() else task.exception())

    def _tell(self, held: HeldModel) -> None:
        counts, told = held.fold.counts, held.told
        name, refused = held.shelf.entry.name, counts.refused - told.refused
        if refused:
            log.warning("lessons refused", model=name, n=refused, last=held.fold.last_refusal)
        taught = counts.applied - told.applied - refused
        self._observe.saved(name, held.kept.version, taught, refused, held.fold.model.scores())
        self._observe.served(name, held.kept.served)
        held.told = copy(counts)
