"""The users' side of a round: load, handle, wait for the round before, apply, publish.

The order is the promise. A list is stored before it is published; a partition's next apply waits until the
round before is acknowledged, so what a crash can leave unpublished is always the one `pending`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import numpy as np
import structlog

from infra.fenced import Applied
from infra.keys import Keys
from infra.settings import Settings
from online_models.weights import BadWeights, adopt
from online_models.weights import decode as decode_weights
from streams.dead_letters import Held, decode_rejection
from streams.fail_points import FailPoints
from streams.loading import Loader
from streams.model_decisions import records as decision_records
from streams.names import Names
from streams.observe import Observer
from streams.partitions import UserPartition
from streams.pending import decode, is_list_of, list_record, numbered_records
from streams.pipeline import Pipeline
from streams.ports import Clock, Outbox, Outgoing, Record, Store
from streams.round_work import Made, Taken
from streams.short_lists import published
from streams.user_rows import UserRows

log = structlog.get_logger("segue.plays")


class UserSide:
    """All users' partitions of one worker.

    Parameters
    ----------
    owned: partition -> its state; a partition that is taken away leaves the mapping, also in mid-round.
    reread: fetches one record again (too large to be held in `pending`).
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        outbox: Outbox,
        clock: Clock,
        loader: Loader,
        pipeline: Pipeline,
        users: UserRows,
        names: Names,
        owned: Mapping[int, UserPartition],
        observe: Observer,
        fail_points: FailPoints,
    ) -> None:
        self._settings, self._store, self._outbox, self._clock = settings, store, outbox, clock
        self._loader, self._pipeline, self._users, self._names, self._owned = loader, pipeline, users, names, owned
        self._observe, self._fail = observe, fail_points
        self._keys = Keys(settings.namespace)
        self._published: asyncio.Future[None] | None = None
        self._mark = np.zeros(settings.user_rows_max, np.int64)

    def _ours(self, partition: UserPartition) -> bool:
        return self._owned.get(partition.n) is partition

    async def round(self, work: list[tuple[UserPartition, list[Record]]], round_n: int) -> list[UserPartition]:
        """One round over `work`; returns the partitions whose apply was refused."""
        with self._observe.stage("load"):
            taken = await self._load(work, round_n)
        if not taken:
            return []
        with self._observe.stage("compute"):
            user_ids, events = self._pipeline.events(taken)
        with self._observe.stage("load"):
            await self._loader.tracks_for(events, self._clock.now_ms(), round_n, self._mark)
        taken_still = [t for t in taken if self._ours(t.partition)]
        if len(taken_still) < len(taken):
            # A partition went while we read: its rows are gone. The others start again with their rows in memory.
            return await self.round([(t.partition, t.records) for t in taken_still], round_n)
        with self._observe.stage("compute"):
            made = self._pipeline.handle(taken, user_ids, events, self._clock.now_ms())
        await self.all_published()
        return await self._apply(made)

    async def _load(self, work: list[tuple[UserPartition, list[Record]]], round_n: int) -> list[Taken]:
        taken = []
        for partition, records in work:
            records = [r for r in records if r.offset >= partition.next] if records[0].offset < partition.next else records
            if records and self._ours(partition):
                taken.append(self._pipeline.take(partition, records))
        wanted = {user: t.partition.n for t in taken for user in t.batch.user_ids if user}
        await self._loader.users(wanted, round_n)
        self._pipeline.popular, self._pipeline.popular_weight = await self._loader.popular(self._clock.now_ms())
        model = await self._loader.finish_model(self._clock.now_ms())
        if model is not None:
            self._pipeline.finish, self._pipeline.finish_version = model
        self._pipeline.releases = await self._loader.new_releases(self._clock.now_ms())
        self._pipeline.genres = self._loader.micro_genres()
        missing = self._pipeline.names_missing()
        if missing:
            await self._loader.missing(missing)
        if not all(self._ours(t.partition) for t in taken):
            return await self._load([(t.partition, t.records) for t in taken if self._ours(t.partition)], round_n)
        return taken

    async def all_published(self) -> None:
        """Wait until the round before is acknowledged. Raises what went wrong with it.

        A revocation waits here beside the rounds: it may give up (shielded, for the rounds need the publication), and
        it may be late, when the next round has begun to publish; that one is not to be forgotten.
        """
        published = self._published
        if published is None:
            return
        with self._observe.stage("publish"):
            await asyncio.shield(published)
        if self._published is published:
            self._published = None

    def abandon(self) -> None:
        """The process ends: nobody waits for what is under way."""
        if self._published is not None:
            self._published.cancel()

    async def _apply(self, made: list[Made]) -> list[UserPartition]:
        self._fail.hit("before-apply")
        made = [m for m in made if self._ours(m.taken.partition)]
        if not made:
            return []
        with self._observe.stage("apply"):
            replies = await self._store.apply([m.call for m in made])
        self._fail.hit("applied-not-published")
        landed, refused = [], []
        for m, reply in zip(made, replies, strict=True):
            if isinstance(reply, Applied):
                m.stands()
                self._pipeline.drift.told(m.decided)
                landed.append(m)
            else:
                refused.append(m.taken.partition)
        self._publish(landed)
        self._observe.applied(landed)
        return refused

    def _publish(self, landed: list[Made]) -> None:
        records = [record for m in landed for record in m.records]
        records += numbered_records([numbered for m in landed for numbered in m.numbered])
        if records:
            self._published = asyncio.ensure_future(self._send(records, landed))

    async def _send(self, records: list[Outgoing], landed: list[Made]) -> None:
        await self._outbox.publish(records)
        self._fail.hit("published-not-acked")
        self._observe.published(landed, self._clock.now_ms())

    async def adopt_weights(self, partition: UserPartition) -> None:
        """Rank on with what the owner before had learned, where that is more. Learned state: without it ranking begins anew."""
        raw = (await self._store.text([self._keys.ranker(partition.n)]))[0]
        if not raw:
            return
        try:
            adopt(self._pipeline.weights, decode_weights(raw))
        except BadWeights as error:
            log.error("weights refused", key=self._keys.ranker(partition.n), why=str(error))

    async def publish_again(self, partition: UserPartition, raw: bytes, reread: Callable[[str, int, int], Awaitable[Record]]) -> None:
        """Publish what the owner before stored and may not have published."""
        pending = decode(raw)
        topic = f"{self._settings.namespace}.recommendations"
        wanted = [e.user_id for e in pending.lists if e.value == b""]
        stored = iter(await self._store.read([(self._keys.user(partition.n, user), "list") for user in wanted]) if wanted else [])
        records = []
        for entry in pending.lists:
            short = next(stored) if entry.value == b"" else entry.value
            if entry.value == b"" and not is_list_of(short, partition.incarnation, partition.n, entry):
                # Redis was flushed since the claim, or a newer owner is ahead of us: a null would tell of an erasure that never was.
                continue
            value = None if short is None else published(short)
            records.append(list_record(topic, partition.incarnation, partition.n, entry, value, pending.at_ms))
        records += numbered_records(pending.numbered)
        self._pipeline.erasures.note(pending.erased)
        records += [self._pipeline.erasures.record(erasure) for erasure in pending.erased]
        for held in map(decode_rejection, pending.rejected):
            if isinstance(held, Held):
                records.append(held.letter(self._settings.namespace))
            else:
                records.append(held.letter(await reread(held.topic, held.partition, held.offset), self._settings.namespace))
        records += decision_records(self._settings.namespace, pending.decided)
        if records:
            await self._outbox.publish(records)
