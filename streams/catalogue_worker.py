"""The role `catalogue`: tracks and users' attributes are cleaned record by record, and their rows stand in the store.

Order of a round of one partition, and the promise: clean, fenced apply (rows, what the cleaning remembers, counts, refused
records and lessons in `pending`, and `next`, last), publish dead letters and lessons, wait for the acknowledgement. So a crash
anywhere gives the same rows, and no cursor passes a dead letter or a lesson that nobody holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from secrets import token_hex
from typing import Final

import structlog

from infra.keys import Keys
from infra.settings import Settings
from streams import genre_lessons
from streams.catalogue_intake import KINDS, TRACKS, Kind
from streams.catalogue_rows import CataloguePartition, Stood, placed
from streams.claims import Claims, Gap, NeedsRebuild
from streams.dead_letters import Held, decode_rejection
from streams.observe_catalogue import CatalogueObserver, SilentCatalogue
from streams.pending import decode as decode_pending
from streams.pending import numbered_records
from streams.ports import TP, Applied, Clock, Group, Outbox, Record, Refused, Store

log = structlog.get_logger("segue.catalogue")

ROUND_ROWS_MAX: Final = 200
"""Some 60 ms of cleaning, and an apply of 2 ms."""
ROUND_BYTES_MAX: Final = 2_000_000
"""Of a round's values: all of them may be refused, and are held in `pending` then."""
WATCH_S: Final = 2.0
"""How often an idle partition looks whether it is still ours."""


class Owned:
    """One partition in our hands."""

    def __init__(self, tp: TP, partition: CataloguePartition) -> None:
        self.tp, self.partition = tp, partition
        self.stored = partition.next
        """`next` in the store."""
        self.leaving = False
        self.lock = asyncio.Lock()


class Catalogue:
    """Owner of partitions of `tracks` and `users` (`streams/transport.py`, `Owner`).

    Parameters
    ----------
    clock: given to every role; times of this one are those of its records.
    fresh_token: makes the random token of a claim, 16 hex digits.
    on_crash: told of an exception in the background; it must end the process.
    lessons_partition: of the model that learns genres; None = as the registry of models says.

    Attributes
    ----------
    owned: the partitions in our hands.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        outbox: Outbox,
        clock: Clock,
        *,
        fresh_token: Callable[[], str] = lambda: token_hex(8),
        observe: CatalogueObserver | None = None,
        on_crash: Callable[[BaseException], None] | None = None,
        lessons_partition: int | None = None,
    ) -> None:
        self._settings, self._store, self._outbox = settings, store, outbox
        self._lessons_partition = genre_lessons.registered() if lessons_partition is None else lessons_partition
        self._kinds = {f"{settings.namespace}.{kind.topic}": kind for kind in KINDS}
        self._keys = Keys(settings.namespace)
        self._fresh_token, self._on_crash = fresh_token, on_crash
        self._observe = observe or SilentCatalogue()
        self._group: Group | None = None
        self.owned: dict[TP, Owned] = {}
        self._again: dict[TP, asyncio.Task[None]] = {}
        self._watching: asyncio.Task[None] | None = None
        self._failed: BaseException | None = None

    def attach(self, group: Group) -> None:
        """The transport, once there is one; before the first claim."""
        self._group = group

    # --- ownership -------------------------------------------------------------------------------

    async def claim(self, tps: Collection[TP]) -> dict[TP, int]:
        """Take partitions over; {tp: offset to read from}. One with a gap that was not accepted stays parked.

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
        self.owned.pop(tp, None)
        try:
            partition, position = await self._take_over(tp, self._kinds[tp.topic])
        except Gap as gap:
            log.error("gap", topic=tp.topic, partition=tp.partition, message=str(gap))
            return {}
        self.owned[tp] = Owned(tp, partition)
        return {tp: position}

    async def _take_over(self, tp: TP, kind: Kind) -> tuple[CataloguePartition, int]:
        """The partition as the store has it, with what was pending published. Raises `Gap`, `NeedsRebuild`."""
        assert self._group is not None, "attach the transport before the first claim"
        s, keys, n = self._settings, self._keys, tp.partition
        partition_count = s.catalogue_partitions if kind is TRACKS else s.events_partitions
        if n >= partition_count:
            # Where a key belongs goes by this number: with another one, good records would be refused.
            raise NeedsRebuild(
                f"{tp.topic} has a partition {n}, the settings say {partition_count}: set the number back, see `segue doctor`"
            )
        claims = Claims(s, self._store, self._group, self._fresh_token)
        token, claimed = await claims.claim(keys.clean_cursor(kind.side, n), keys.clean_pending(kind.side, n), *tp, f"{kind.side}{n}")
        partition = CataloguePartition(
            keys,
            kind,
            n,
            token,
            claimed.fields,
            await self._store.whole(keys.clean_evidence(kind.side, n)),
            await self._store.whole(keys.clean_counts(kind.side, n)),
            partition_count=partition_count,
            letters_partitions=s.events_partitions,
            lessons_partition=self._lessons_partition if kind is TRACKS else None,
        )
        await self._publish_again(claimed.pending)
        self._observe.claimed(kind.topic)
        first, _ = (await self._group.bounds({tp}))[tp]
        return partition, max(partition.next, first)

    async def _publish_again(self, raw: bytes) -> None:
        """Dead letters and lessons that the owner before stored and may not have published."""
        pending = decode_pending(raw)
        records = numbered_records(pending.numbered)
        for rejection in map(decode_rejection, pending.rejected):
            assert isinstance(rejection, Held), "this role holds refused records whole"
            records.append(placed(rejection.letter(self._settings.namespace), self._settings.events_partitions))
        if records:
            await self._outbox.publish(records)

    async def revoked(self, tps: Collection[TP]) -> None:
        """The partitions are going: let the round in hand end, forget the rest."""
        self._stop_claims(tps)
        leaving = [self.owned[TP(*tp)] for tp in tps if TP(*tp) in self.owned]
        for owned in leaving:
            owned.leaving = True
        for owned in leaving:
            try:
                async with owned.lock:
                    pass
            finally:
                self._forget(owned)

    def _forget(self, owned: Owned) -> None:
        owned.leaving = True
        if self.owned.get(owned.tp) is owned:
            del self.owned[owned.tp]

    async def close(self) -> None:
        """Stop all tasks; what is under way is abandoned, as in a crash."""
        tasks = [task for task in (self._watching, *self._again.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_S)
            await self.check_owned()
            await self._tell_positions()

    async def check_owned(self) -> None:
        """Look whether every idle partition is still ours; one that was flushed or rolled back is claimed again."""
        before = [(owned, (owned.partition.token, owned.stored)) for owned in self.owned.values() if not owned.lock.locked()]
        owners = await self._store.owners([owned.partition.cursor for owned, _ in before])
        for (owned, expected), owner in zip(before, owners, strict=True):
            quiet = not owned.lock.locked() and (owned.partition.token, owned.stored) == expected
            if owner != expected and quiet and self.owned.get(owned.tp) is owned:
                self._give_up(owned, f"the cursor says {owner}, {expected} was expected")

    async def _tell_positions(self) -> None:
        """Kafka's group offsets serve lag tools only; nobody reads from them."""
        assert self._group is not None, "attach comes before claim"
        positions = {owned.tp: owned.stored for owned in self.owned.values()}
        if positions:
            # Without partitions the process may be stopping, and the transport's thread be gone.
            await self._group.publish_positions(positions)

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception as error:
            self._failed = error
            if self._on_crash is not None:
                self._on_crash(error)

    # --- records ---------------------------------------------------------------------------------

    async def receive(self, topic: str, chunks: Mapping[int, Sequence[Record]]) -> None:
        """Clean and apply every record of the partitions we hold; returns when that is done.

        Raises what a claim in the background died of.
        """
        if self._failed is not None:
            raise RuntimeError("the catalogue worker ended") from self._failed
        # Looked up before the first wait: a partition that is claimed anew meanwhile reads elsewhere, and these records are not its next.
        ours = [(self.owned.get(TP(topic, n)), records) for n, records in chunks.items()]
        for owned, records in ours:
            if owned is not None:
                async with owned.lock:
                    await self._rounds(owned, records)

    async def _rounds(self, owned: Owned, records: Sequence[Record]) -> None:
        for some in rounds([record for record in records if record.offset >= owned.partition.next]):
            # Another partition's owner, a heartbeat, the metrics: cleaning holds the loop for one round, not for a whole fetch.
            await asyncio.sleep(0)
            if owned.leaving or not await self._round(owned, some):
                return

    async def _round(self, owned: Owned, records: Sequence[Record]) -> bool:
        """One round; False when it was refused."""
        made = owned.partition.take(records, await self._rows_of(owned.partition, records))
        (answer,) = await self._store.apply([made.call])
        if not isinstance(answer, Applied):
            assert isinstance(answer, Refused), answer
            self._give_up(owned, f"refused: token {answer.token!r}, next {answer.next}, incarnation {answer.incarnation!r}")
            return False
        owned.stored = made.call.end
        if made.records:
            await self._outbox.publish(made.records)
        self._observe.applied(owned.partition.kind.topic, made.told)
        return True

    async def _rows_of(self, partition: CataloguePartition, records: Sequence[Record]) -> dict[str, Stood]:
        """Rows of these records as they stand, where somebody learns from what is new in them."""
        if not partition.teaches:
            return {}
        ids = list(dict.fromkeys(record.key.decode("utf-8", "replace") for record in records if record.key is not None))
        found = await self._store.read_many([(partition.row_key(some_id), ("row", "taught")) for some_id in ids])
        return {some_id: (row, taught or b"") for some_id, (row, taught) in zip(ids, found, strict=True) if row is not None}

    def _give_up(self, owned: Owned, why: str) -> None:
        """Another owner, or a Redis that went back: forget the rows, claim again once Kafka says that we are still a member."""
        log.warning("fenced", topic=owned.tp.topic, partition=owned.tp.partition, why=why)
        self._observe.fenced(owned.partition.kind.topic)
        ours = self.owned.get(owned.tp) is owned and not owned.leaving
        self._forget(owned)
        if ours:
            self._again[owned.tp] = asyncio.ensure_future(self._guarded(partial(self._claim_again, owned.tp)))

    async def _claim_again(self, tp: TP) -> None:
        assert self._group is not None, "attach comes before claim"
        await self._group.confirmed_member()
        for again, offset in (await self._claim(tp)).items():
            if not await self._group.reposition(again, offset):
                self.owned.pop(tp, None)
        self._again.pop(tp, None)

    def _stop_claims(self, tps: Collection[TP]) -> None:
        for tp in tps:
            if (task := self._again.pop(TP(*tp), None)) is not None:
                task.cancel()


def rounds(records: Sequence[Record]) -> Iterator[list[Record]]:
    """Records in the order they came, cut into rounds by number and by bytes; none is empty."""
    some: list[Record] = []
    n_bytes = 0
    for record in records:
        size = len(record.value or b"")
        if some and (len(some) == ROUND_ROWS_MAX or n_bytes + size > ROUND_BYTES_MAX):
            yield some
            some, n_bytes = [], 0
        some.append(record)
        n_bytes += size
    if some:
        yield some
