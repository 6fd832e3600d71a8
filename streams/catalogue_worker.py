"""The role `catalogue`: tracks and users' attributes are cleaned record by record, and their rows stand in the store.

Order of a round of one partition, and the promise: clean, fenced apply (rows, what the cleaning remembers, counts, refused
records and lessons in `pending`, and `next`, last), publish dead letters and lessons, wait for the acknowledgement. So a crash
anywhere gives the same rows, and no cursor passes a dead letter or a lesson that nobody holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from secrets import token_hex
from typing import Final

import structlog

from infra.keys import Keys
from infra.settings import Settings
from streams import catalogue_lessons
from streams.catalogue_intake import KINDS, TRACKS
from streams.catalogue_rows import CataloguePartition, Stood, placed
from streams.claims import Claims, NeedsRebuild
from streams.dead_letters import Held as HeldLetter
from streams.dead_letters import decode_rejection
from streams.holding import Held, Holder
from streams.observe_catalogue import CatalogueObserver, SilentCatalogue
from streams.pending import decode as decode_pending
from streams.pending import numbered_records
from streams.ports import TP, Clock, Outbox, Record, Store

log = structlog.get_logger("segue.catalogue")

ROUND_ROWS_MAX: Final = 200
"""Some 60 ms of cleaning, and an apply of 2 ms."""
ROUND_BYTES_MAX: Final = 2_000_000
"""Of a round's values: all of them may be refused, and are held in `pending` then."""


class HeldRows(Held):
    """One partition in our hands."""

    def __init__(self, tp: TP, partition: CataloguePartition, position: int) -> None:
        super().__init__(tp, position)
        self.partition = partition
        self.stored = partition.next
        """`next` in the store; the partition in memory may stand behind records that are not applied yet."""

    @property
    def cursor(self) -> str:
        return self.partition.cursor

    @property
    def stands(self) -> tuple[str, int]:
        return self.partition.token, self.stored


class Catalogue(Holder[HeldRows]):
    """Owner of partitions of `tracks` and `users`.

    Parameters
    ----------
    clock: given to every role; times of this one are those of its records.
    fresh_token: makes the random token of a claim, 16 hex digits.
    on_crash: told of an exception in the background; it must end the process.
    pupils: models that learn from tracks, and their lessons partitions; None = as the registry of models says.
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
        pupils: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__(store, on_crash)
        self._settings, self._outbox = settings, outbox
        self._pupils = catalogue_lessons.registered(settings.lessons_partitions) if pupils is None else pupils
        self._kinds = {f"{settings.namespace}.{kind.topic}": kind for kind in KINDS}
        self._keys = Keys(settings.namespace)
        self._fresh_token = fresh_token
        self._observe = observe or SilentCatalogue()

    # --- ownership -------------------------------------------------------------------------------

    async def _take_over(self, tp: TP) -> HeldRows:
        """The partition as the store has it, with what was pending published. Raises `Gap`, `NeedsRebuild`."""
        s, keys, n, kind = self._settings, self._keys, tp.partition, self._kinds[tp.topic]
        partition_count = s.catalogue_partitions if kind is TRACKS else s.events_partitions
        if n >= partition_count:
            # Where a key belongs goes by this number: with another one, good records would be refused.
            raise NeedsRebuild(
                f"{tp.topic} has a partition {n}, the settings say {partition_count}: set the number back, see `segue doctor`"
            )
        claims = Claims(s, self._store, self.group, self._fresh_token)
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
            pupils=self._pupils if kind is TRACKS else {},
        )
        await self._publish_again(claimed.pending)
        self._observe.claimed(kind.topic)
        first, _ = (await self.group.bounds({tp}))[tp]
        return HeldRows(tp, partition, max(partition.next, first))

    async def _publish_again(self, raw: bytes) -> None:
        """Dead letters and lessons that the owner before stored and may not have published."""
        pending = decode_pending(raw)
        records = numbered_records(pending.numbered)
        for rejection in map(decode_rejection, pending.rejected):
            assert isinstance(rejection, HeldLetter), "this role holds refused records whole"
            records.append(placed(rejection.letter(self._settings.namespace), self._settings.events_partitions))
        if records:
            await self._outbox.publish(records)

    async def _let_go(self, held: HeldRows) -> None:
        """Nothing: every round is applied before the next begins."""

    async def _look(self, n: int) -> None:
        """Nothing but the look whether partitions are ours."""

    def _was_fenced(self, held: HeldRows) -> None:
        self._observe.fenced(held.partition.kind.topic)

    # --- records ---------------------------------------------------------------------------------

    async def receive(self, topic: str, chunks: Mapping[int, Sequence[Record]]) -> None:
        """Clean and apply every record of the partitions we hold; returns when that is done.

        Raises what a claim in the background died of.
        """
        self.raise_failure()
        for held, records in self._ours(topic, chunks):
            async with held.lock:
                await self._rounds(held, records)

    async def _rounds(self, held: HeldRows, records: Sequence[Record]) -> None:
        for some in rounds([record for record in records if record.offset >= held.partition.next]):
            # Another partition's owner, a heartbeat, the metrics: cleaning holds the loop for one round, not for a whole fetch.
            await asyncio.sleep(0)
            if held.leaving.is_set() or not await self._round(held, some):
                return

    async def _round(self, held: HeldRows, records: Sequence[Record]) -> bool:
        """One round; False when it was refused."""
        made = held.partition.take(records, await self._rows_of(held.partition, records))
        if not await self._applied(held, made.call):
            return False
        held.stored = held.position = made.call.end
        if made.records:
            await self._outbox.publish(made.records)
        self._observe.applied(held.partition.kind.topic, made.told)
        return True

    async def _rows_of(self, partition: CataloguePartition, records: Sequence[Record]) -> dict[str, Stood]:
        """Rows of these records as they stand, where somebody learns from what is new in them."""
        if not partition.teaches:
            return {}
        ids = list(dict.fromkeys(record.key.decode("utf-8", "replace") for record in records if record.key is not None))
        found = await self._store.read_many([(partition.row_key(some_id), ("row", "taught")) for some_id in ids])
        return {some_id: (row, taught or b"") for some_id, (row, taught) in zip(ids, found, strict=True) if row is not None}


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
