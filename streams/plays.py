"""The plays worker: owns partitions of events and of track deltas, and runs the rounds.

One task takes everything that is ready on all partitions, handles it together, and while it waits for Redis
or Kafka the next round fills up: batches grow by themselves with the load.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from secrets import token_hex
from typing import Final

import structlog

from infra.fenced import StoreBroken
from infra.keys import Keys
from infra.settings import Settings
from online_models.presets import PRESETS
from streams.claims import Claims, Gap
from streams.fail_points import FailPoints
from streams.inbox import Inbox
from streams.loading import Loader
from streams.names import Names
from streams.observe import Observer, Silent
from streams.partitions import TrackPartition, UserPartition, track_partition, user_partition
from streams.pipeline import Pipeline
from streams.ports import TP, Clock, Group, Outbox, Record, Store
from streams.track_rows import TrackRows
from streams.track_side import FLUSH_MS, TrackSide
from streams.user_rows import BadRow, UserRows
from streams.user_side import UserSide
from streams.verdicts import Coroner
from streams.verdicts import read as read_verdicts

log = structlog.get_logger("segue.plays")

WATCH_S: Final = 2.0
"""How often an idle partition looks whether it is still ours: a flush is noticed without traffic."""
AHEAD_PLAYS_MAX: Final = 1_500
"""Plays handled whose items our own track rows have not seen yet; beyond it the users' side waits."""
NAMES_PER_TRACK: Final = 8
"""Names in memory per track row: a row's neighbours are named too, but tracks share neighbours."""


Taking = tuple[UserPartition | TrackPartition, int]
"""A partition that was claimed, and the offset to read it from."""


class Plays:
    """Owner of events and track-deltas partitions (`streams/transport.py`, `Owner`).

    Parameters
    ----------
    fresh_token: the random token of a claim, 16 hex digits.
    on_crash: told of an exception that ended the rounds; it must end the process.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        outbox: Outbox,
        clock: Clock,
        *,
        fresh_token: Callable[[], str] = lambda: token_hex(8),
        observe: Observer | None = None,
        fail_points: FailPoints | None = None,
        on_crash: Callable[[BaseException], None] | None = None,
    ) -> None:
        self._settings, self._store, self._clock = settings, store, clock
        self._fresh_token, self._on_crash = fresh_token, on_crash
        self._observe = observe or Silent()
        self._keys = Keys(settings.namespace)
        self.events_topic = f"{settings.namespace}.events"
        self.deltas_topic = f"{settings.namespace}.internal.track-deltas"
        self.user_rows, self.track_rows = UserRows(settings.user_rows_max), TrackRows(settings.track_rows_max, PRESETS[settings.preset])
        self.names = Names(NAMES_PER_TRACK * settings.track_rows_max, settings.id_key.encode())
        self.user_partitions: dict[int, UserPartition] = {}
        self.track_partitions: dict[int, TrackPartition] = {}
        self.pipeline = Pipeline(settings, self.user_rows, self.track_rows, self.names, self._observe)
        self._loader = Loader(
            settings, store, self.user_rows, self.track_rows, self.names, self.track_partitions, self.user_partitions, self._refused
        )
        self._tracks = TrackSide(
            settings,
            store,
            self._loader,
            self.track_rows,
            self.names,
            self.track_partitions,
            self.user_partitions,
            self._refused,
            self._observe,
        )
        self._users = UserSide(
            settings,
            store,
            outbox,
            clock,
            self._loader,
            self.pipeline,
            self.user_rows,
            self.names,
            self.user_partitions,
            self._observe,
            fail_points or FailPoints(""),
        )
        self._coroner = Coroner(settings.namespace, store, outbox, self.pipeline.verdicts)
        self._inbox = Inbox(settings.round_plays_max)
        self._round_n = 0
        self._running: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._again: dict[TP, asyncio.Task[None]] = {}
        self._flush_timer: asyncio.TimerHandle | None = None
        self._group: Group | None = None
        self._claims: Claims | None = None
        self._failed: BaseException | None = None

    def attach(self, group: Group) -> None:
        """The transport, once there is one; before the first claim."""
        self._group = group
        self._claims = Claims(self._settings, self._store, group, self._fresh_token)

    # --- ownership -------------------------------------------------------------------------------

    async def claim(self, tps: Collection[TP]) -> dict[TP, int]:
        """Take partitions over; {tp: offset to read from}. One with a gap that was not accepted stays parked.

        Raises `NeedsRebuild`.
        """
        for tp in tps:
            self._forget_claim(tp)
        await self._learn_what_outlives_state()
        found = await asyncio.gather(*(self._claim(TP(*tp)) for tp in sorted(tps)))
        self._start()
        for taken in found:
            self._own(taken)
        return {tp: taken[1] for tp, taken in zip(sorted(tps), found, strict=True) if taken is not None}

    async def _learn_what_outlives_state(self) -> None:
        """Before every claim: any may be the beginning of a replay, as after a flush."""
        assert self._group is not None, "attach comes before claim"
        internal = f"{self._settings.namespace}.internal"
        self.pipeline.verdicts |= read_verdicts(await self._group.read_all(f"{internal}.verdicts"))
        self.pipeline.erasures.learn(await self._group.read_all(f"{internal}.erasures"))

    async def _claim(self, tp: TP) -> Taking | None:
        """A partition and where to read it; it is ours only with `_own`, which must be followed by the new place at once.

        A chunk that was fetched before, and comes while we own the partition, would be taken for the records
        behind the cursor: everything in between would be lost.
        """
        self._drop(tp)
        try:
            return await (self._claim_users(tp) if tp.topic == self.events_topic else self._claim_tracks(tp))
        except Gap as gap:
            log.error("gap", topic=tp.topic, partition=tp.partition, message=str(gap))
            return None

    def _own(self, taken: Taking | None) -> None:
        partition = taken[0] if taken is not None else None
        if isinstance(partition, UserPartition):
            self.user_rows.drop_partition(partition.n)
            self.user_partitions[partition.n] = partition
        elif isinstance(partition, TrackPartition):
            self.track_partitions[partition.n] = partition

    async def _claim_users(self, tp: TP) -> Taking:
        assert self._claims is not None, "attach comes before claim"
        n = tp.partition
        token, claimed = await self._claims.claim(self._keys.user_cursor(n), self._keys.user_pending(n), *tp, f"u{n}")
        partition = user_partition(n, token, claimed.fields, self._settings.deltas_partitions, self._settings.round_plays_max)
        await self._users.publish_again(partition, claimed.pending, self._reread)
        await self._users.adopt_weights(partition)
        self._observe.claimed("users")
        return partition, await self._position(tp, partition.next)

    async def _claim_tracks(self, tp: TP) -> Taking:
        assert self._claims is not None, "attach comes before claim"
        n = tp.partition
        token, claimed = await self._claims.claim(self._keys.track_cursor(n), self._keys.track_pending(n), *tp, f"t{n}")
        partition = track_partition(n, token, claimed.fields)
        await self._tracks.open(partition)
        self._observe.claimed("tracks")
        return partition, await self._position(tp, partition.next)

    async def _position(self, tp: TP, cursor: int) -> int:
        """Where to read on: the cursor, or the first record that retention left (an accepted gap)."""
        assert self._group is not None, "attach comes before claim"
        first, _ = (await self._group.bounds({tp}))[tp]
        if cursor < first:
            log.warning("accepted gap", topic=tp.topic, partition=tp.partition, first_lost=cursor, last_lost=first - 1)
        return max(cursor, first)

    async def _reread(self, topic: str, partition: int, offset: int) -> Record:
        assert self._group is not None, "attach comes before claim"
        return await self._group.read_one(TP(topic, partition), offset)

    def _drop(self, tp: TP) -> None:
        """Forget everything in memory about a partition."""
        self._inbox.forget(tp.topic == self.events_topic, tp.partition)
        if tp.topic == self.events_topic:
            self.user_partitions.pop(tp.partition, None)
            self.user_rows.drop_partition(tp.partition)
        else:
            self.track_partitions.pop(tp.partition, None)
            self.track_rows.drop_partition(tp.partition)

    async def revoked(self, tps: Collection[TP]) -> None:
        """The partitions are going: write what the tracks' side holds, let the round in hand end, forget the rest."""
        for tp in tps:
            self._forget_claim(tp)
            self._inbox.forget(tp[0] == self.events_topic, tp[1])
        try:
            await self._inbox.quiet()
            await self._flush(self._tracks.changed())
            await self._users.all_published()
        finally:  # also when the transport cannot wait any longer
            for tp in tps:
                self._forget_claim(tp)  # one that was refused while we waited: it would take the partition from its next owner
                self._drop(TP(*tp))

    def _forget_claim(self, tp: TP) -> None:
        task = self._again.pop(TP(*tp), None)
        if task is not None and task is not asyncio.current_task():
            task.cancel()

    def _refused(self, partition: UserPartition | TrackPartition) -> None:
        """Another owner, or an older Redis: drop it, and claim again once we know that we are still a member."""
        users = isinstance(partition, UserPartition)
        tp = TP(self.events_topic if users else self.deltas_topic, partition.n)
        owned = self.user_partitions if users else self.track_partitions
        if owned.get(partition.n) is not partition:
            return
        self._observe.fenced("users" if users else "tracks")
        log.warning("fenced", topic=tp.topic, partition=tp.partition, next=partition.next)
        self._drop(tp)
        self._forget_claim(tp)
        self._again[tp] = asyncio.ensure_future(self._guarded(partial(self._claim_again, tp)))

    async def _claim_again(self, tp: TP) -> None:
        assert self._group is not None, "attach comes before claim"
        await self._group.confirmed_member()
        if tp.topic == self.events_topic:
            await self._learn_what_outlives_state()
        taken = await self._claim(tp)
        self._own(taken)
        if taken is not None and not await self._group.reposition(tp, taken[1]):
            self._drop(tp)
        self._again.pop(tp, None)

    # --- rounds ----------------------------------------------------------------------------------

    async def receive(self, topic: str, chunks: dict[int, list[Record]]) -> None:
        """Records by partition; returns when there is room for more."""
        users = topic == self.events_topic
        owned: Collection[int] = self.user_partitions if users else self.track_partitions
        for partition, records in chunks.items():
            if records and partition in owned:
                self._inbox.put(users, partition, records)
        await self._inbox.room(users)
        self._check()

    def _check(self) -> None:
        if self._failed is not None:
            raise RuntimeError("the rounds ended") from self._failed

    async def quiet(self) -> None:
        """Until everything received is handled and acknowledged; rows may still be ahead of the store.

        Raises RuntimeError if the rounds ended.
        """
        await self._inbox.quiet()
        self._check()
        await self._users.all_published()

    async def settle(self) -> None:
        """Until everything received is handled, acknowledged and written."""
        await self.quiet()
        await self._flush(self._tracks.changed())

    async def close(self) -> None:
        """Stop all tasks; what is under way is abandoned, as in a crash."""
        tasks = [t for t in (self._running, self._watching, *self._again.values()) if t is not None]
        for task in tasks:
            task.cancel()
        if self._flush_timer is not None:
            self._flush_timer.cancel()
        self._users.abandon()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self) -> None:
        if self._running is None:
            self._running = asyncio.ensure_future(self._guarded(self._run))
            self._watching = asyncio.ensure_future(self._guarded(self._watch))

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self._failed = error
            self._inbox.open_all()
            # What is no Exception (a test's time is over, Ctrl-C) is for whoever runs the loop; those who wait for rounds must not wait on.
            if self._on_crash is None or not isinstance(error, Exception):
                raise
            self._on_crash(error)

    async def _run(self) -> None:
        while True:
            users, tracks = await self._inbox.take(self._may_go_on)
            try:
                await self._round(users, tracks)
            finally:
                self._inbox.done()

    async def _round(self, users: dict[int, list[Record]], tracks: dict[int, list[Record]]) -> None:
        self._round_n += 1
        self.names.tidy()
        now_ms = self._clock.now_ms()
        deltas = [(self.track_partitions[n], records) for n, records in tracks.items() if n in self.track_partitions]
        if deltas:
            self._observe.folded(*await self._tracks.fold(deltas, now_ms, self._round_n))
        work = [(self.user_partitions[n], records) for n, records in users.items() if n in self.user_partitions]
        for partition, records in [(p, records) for p, records in work if p.careful]:
            await self._one_by_one(partition, records)
        work = [(p, records) for p, records in work if not p.careful]
        if work:
            await self._users_round(work)
            self._observe.rows(len(self.user_rows), len(self.track_rows), self._loader.take_loads())
        await self._flush(self._tracks.due(now_ms))
        if self._tracks.changed():
            self._flush_later()

    async def _users_round(self, work: list[tuple[UserPartition, list[Record]]]) -> None:
        for partition in await self._users.round(work, self._round_n):
            self._refused(partition)

    async def _one_by_one(self, partition: UserPartition, records: list[Record]) -> None:
        """Handle each record alone, noted before: whoever dies of one leaves its offset behind."""
        for record in records:
            await self._users.all_published()
            if record.offset < partition.next or self.user_partitions.get(partition.n) is not partition:
                continue
            if not await self._coroner.begin(partition, record.offset):
                self._refused(partition)
                return
            try:
                await self._users_round([(partition, [record])])
            except (BadRow, StoreBroken):
                await self._coroner.acquit(partition)
                raise

    async def _flush(self, partitions: list[TrackPartition]) -> None:
        await self._tracks.flush(partitions, self._clock.now_ms())

    def _flush_later(self) -> None:
        """A round without successors is written too."""
        if self._flush_timer is None:
            self._flush_timer = asyncio.get_running_loop().call_later(FLUSH_MS / 1000, self._flush_time)

    def _flush_time(self) -> None:
        self._flush_timer = None
        self._inbox.nudge()

    def _may_go_on(self) -> bool:
        """Is the users' side at most AHEAD_PLAYS_MAX plays ahead of our own track rows?"""
        ahead = 0
        for q, tracks in self.track_partitions.items():
            for p, users in self.user_partitions.items():
                ahead += max(0, users.sent[q] - tracks.watermarks.get(p, 0))
        applied = sum(p.counts[0] for p in self.user_partitions.values())
        sent = sum(sum(p.sent) for p in self.user_partitions.values())
        return ahead <= AHEAD_PLAYS_MAX * max(1.0, sent / max(1, applied))

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_S)
            await self.check_owned()
            await self._tell_positions()

    async def _tell_positions(self) -> None:
        """Kafka's group offsets serve lag tools only; nobody reads from them."""
        assert self._group is not None, "attach comes before claim"
        positions = {TP(self.events_topic, p.n): p.next for p in self.user_partitions.values()}
        positions |= {TP(self.deltas_topic, p.n): p.stored for p in self.track_partitions.values()}
        await self._group.publish_positions(positions)

    async def check_owned(self) -> None:
        """Look whether every owned partition is still ours and not behind us; one that is not is dropped and claimed again.

        Behind us: Redis went back, and an idle partition would not learn it before its next event.
        """
        users, tracks = list(self.user_partitions.values()), list(self.track_partitions.values())
        cursors = [self._keys.user_cursor(p.n) for p in users] + [self._keys.track_cursor(p.n) for p in tracks]
        if not cursors:
            return
        owned: list[UserPartition | TrackPartition] = [*users, *tracks]
        # As of before the question: an apply that lands meanwhile only moves the answer forward.
        known = [p.next for p in users] + [p.stored for p in tracks]
        for partition, at_least, (token, stored) in zip(owned, known, await self._store.owners(cursors), strict=True):
            if token != partition.token or stored < at_least:
                self._refused(partition)
        await self._prove_idle()

    async def _prove_idle(self) -> None:
        """A partition without records cannot kill anybody: its claims are no deaths."""
        for partition in list(self.user_partitions.values()):
            if not partition.proven and not partition.careful and not self._inbox.holds(partition.n):
                partition.proven = True
                await self._coroner.acquit(partition)
