"""The tracks' side: folds numbered items into track rows, each once, and writes them back now and then.

Rows in memory run ahead of Redis by `FLUSH_MS`, or by `FLUSH_ALONE_MS` where nobody else reads them; the cursor, the
watermarks and the rows are written together, so a crash reads the same items again into the same rows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import msgspec
import numpy as np

from infra.fenced import Applied, Command, FencedCall
from infra.keys import Keys
from infra.settings import Settings
from online_models import track_state
from online_models.arrays import I32, I64, U8, Items
from online_models.items import ITEM, OF_ALBUM, OF_ARTIST, OF_TRACK
from online_models.popularity import update_top
from online_models.track_state import ARTIST, apply_items, look_up
from streams.ids import hash_field
from streams.loading import Loader
from streams.names import Names
from streams.observe import Observer, Silent
from streams.partitions import TrackPartition, UserPartition
from streams.ports import Record, Store
from streams.row_keys import row_key
from streams.sections import BadSection, Section, admit, read_sections
from streams.track_rows import TrackRows

FLUSH_MS: Final = 500
"""Writing each changed row twice a second instead of at every round saves nine of ten writes."""
FLUSH_ALONE_MS: Final = 5_000
"""A worker that owns every partition is the only reader of its rows, so while items come they are written for a restart alone:
a busy row is written once in 5 s instead of ten times, and a restart folds 5 s of items again (`FLUSH_ITEMS` at most)."""
TURNS: Final = 8
"""Partitions are written in turn, each at its own time of the clock: to write all at once held a round, and every play
behind it, up for 70 ms twice a second (p99 at 1,000/s: 150 ms). Counted from when each was last written, their turns
would follow each other round by round after the first quiet moment, which writes them all: eight times 30 ms (p99 80 to 100 ms)."""
FLUSH_ITEMS: Final = 400_000
"""Items in memory that Redis has not seen; beyond them partitions take their turns early. Folding them again takes a restart 0.3 s."""
ROW_FIELDS: Final = ("about", "row")
_json = msgspec.json.Encoder().encode


class About(msgspec.Struct, frozen=True, gc=False):
    """A track in a few words, for people; behind the id the first columns of its row's head."""

    track_id: str
    plays: int
    skips: int
    finishes: int
    followed: int
    """Transitions to a later track, of any lag."""
    preceded: int
    """Transitions from an earlier one."""


class AboutArtist(msgspec.Struct, frozen=True, gc=False):
    """The same of an artist, whose name the row does not know."""

    artist: str
    """16 hex digits."""
    plays: int
    """That were not skipped."""


class AboutAlbum(msgspec.Struct, frozen=True, gc=False):
    """The same of an album."""

    album: str
    """16 hex digits."""
    plays: int


class Fresh(NamedTuple):
    """What some records of one partition come to once what was applied before is left out."""

    partition: TrackPartition
    next: int
    n: int
    """New items."""
    skipped: int
    watermarks: dict[int, int]


class Batch(NamedTuple):
    """A round's new items of all partitions, one partition after the other."""

    items: Items
    ids: bytes
    """Ids of the count items, one after the other."""
    parts: list[Fresh]


class Needs(NamedTuple):
    """What must be there before a batch is applied."""

    missing: I64
    """Hashes of tracks, artists and albums whose row is not in memory, with repeats."""
    whose: U8
    """Which of the three they are."""
    strangers: dict[int, tuple[str, TrackPartition]]
    """Hash -> id and partition of played tracks that Redis may not know by name."""


class TrackSide:
    """All tracks' partitions of one worker.

    Parameters
    ----------
    refused: told of a partition whose rows the store refused: another owner, or an older Redis.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        loader: Loader,
        tracks: TrackRows,
        names: Names,
        owned: Mapping[int, TrackPartition],
        owned_users: Mapping[int, UserPartition],
        refused: Callable[[TrackPartition], None],
        observe: Observer | None = None,
    ) -> None:
        self._settings, self._owned_users, self._observe = settings, owned_users, observe or Silent()
        self._store, self._loader, self._tracks, self._names, self._owned = store, loader, tracks, names, owned
        self._writing = asyncio.Lock()
        self._keys = Keys(settings.namespace)
        self._written_ms: dict[int, int] = {}
        self._folded_ms = 0
        self._refused = refused

    async def fold(self, work: list[tuple[TrackPartition, list[Record]]], now_ms: int, round_n: int) -> tuple[int, int]:
        """Apply what is new in the records of each partition; returns the items applied and skipped. `flush` writes the rows.

        All partitions together: what numpy and the kernels cost per call is paid once a round and not eight times.
        """
        batch = _batch(work)
        needs = self._needs(batch, round_n)
        if self._too_many(needs, round_n):
            if sum(len(records) for _, records in work) > 1:
                return await self._fold_by_halves(work, now_ms, round_n)
            # One record cannot be halved; but what earlier rounds left unwritten may go.
            await self._write_and_release(now_ms, round_n)
            needs = self._needs(batch, round_n)
        await self._load(needs, now_ms, round_n)
        still = [(p, records) for p, records in work if self._owned.get(p.n) is p]
        if len(still) < len(work):
            # One went while we read, and its rows with it; nothing was applied yet.
            return await self.fold(still, now_ms, round_n)
        self._note_new(needs)
        with self._observe.stage("learn"):
            self._apply(batch)
        for part in batch.parts:
            p = part.partition
            p.next, p.watermarks = part.next, part.watermarks
            p.applied += part.n
            p.unwritten += part.n
            p.skipped += part.skipped
        self._folded_ms = now_ms
        return len(batch.items), sum(part.skipped for part in batch.parts)

    def _too_many(self, needs: Needs, round_n: int) -> bool:
        """Do the missing rows not fit?"""
        n = len(needs.missing)
        if self._tracks.fits(n, round_n) == n:
            return False
        n = len(np.unique(needs.missing))
        return self._tracks.fits(n, round_n) < n

    async def _fold_by_halves(self, work: list[tuple[TrackPartition, list[Record]]], now_ms: int, round_n: int) -> tuple[int, int]:
        """The rows of so many tracks do not fit: first one half of the records, then, when its rows are written, the other."""
        middle = sum(len(records) for _, records in work) // 2
        halves: tuple[list[tuple[TrackPartition, list[Record]]], ...] = ([], [])
        for p, records in work:
            n = min(middle, len(records))
            middle -= n
            for half, some in zip(halves, (records[:n], records[n:]), strict=True):
                if some:
                    half.append((p, some))
        applied = skipped = 0
        for half in halves:
            await self._write_and_release(now_ms, round_n)
            n, m = await self.fold([(p, records) for p, records in half if self._owned.get(p.n) is p], now_ms, round_n)
            applied, skipped = applied + n, skipped + m
        return applied, skipped

    async def _write_and_release(self, now_ms: int, round_n: int) -> None:
        await self.flush(self.changed(), now_ms)
        self._tracks.release(round_n)

    def _needs(self, batch: Batch, round_n: int) -> Needs:
        n = len(batch.items)
        missing, strange, name_end = (np.empty(n, np.int64) for _ in range(3))
        whose = np.empty(n, np.uint8)
        n_missing, n_strange = look_up(self._tracks.arrays, batch.items, self._tracks.touched, round_n, missing, whose, strange, name_end)
        strangers: dict[int, tuple[str, TrackPartition]] = {}
        cut = np.cumsum([part.n for part in batch.parts])
        for i, end in zip(strange[:n_strange].tolist(), name_end[:n_strange].tolist(), strict=True):
            item = batch.items[i]
            name = str(batch.ids[end - int(item["name_len"]) : end], "utf-8")
            strangers[int(item["src"])] = name, batch.parts[int(np.searchsorted(cut, i, "right"))].partition
        return Needs(missing[:n_missing], whose[:n_missing], strangers)

    async def _load(self, needs: Needs, now_ms: int, round_n: int) -> None:
        for name, _ in needs.strangers.values():
            self._names.hash(name)
        for whose in (OF_TRACK, OF_ARTIST, OF_ALBUM):
            wanted = np.unique(needs.missing[needs.whose == whose])
            if len(wanted):
                await self._loader.rows(wanted.tolist(), whose, now_ms, round_n)

    def _note_new(self, needs: Needs) -> None:
        """A row without plays is a track that Redis does not know by name yet."""
        if not needs.strangers:
            return
        slots = self._tracks.slots(np.array(list(needs.strangers), np.int64)).tolist()
        for slot, (track, (name, partition)) in zip(slots, needs.strangers.items(), strict=True):
            if self._tracks.arrays.head[slot, track_state.PLAYS] == 0:
                partition.new_ids[track] = name
                self._tracks.name_of[slot] = name

    def _apply(self, batch: Batch) -> None:
        if not len(batch.items):
            return
        touched = np.empty(len(batch.items), np.int32)
        apply_items(self._tracks.arrays, batch.items, touched)
        assert touched.min() >= 0, "every owner's row was loaded"
        self._tracks.dirty[touched] = True
        at = 0
        for part in batch.parts:
            p, end = part.partition, at + part.n
            # Only a play changes how popular a track is.
            played = touched[at:end][batch.items["lag"][at:end] == 0]
            p.n_top = update_top(self._tracks.arrays, played, self._tracks.hash_of, p.top, p.top_score, p.n_top)
            at = end

    def changed(self) -> list[TrackPartition]:
        """Partitions that were not written since their last item."""
        return [p for p in self._owned.values() if p.next > p.stored]

    def due(self, now_ms: int) -> list[TrackPartition]:
        """Partitions whose turn it is to be written, the longest unwritten first."""
        changed, written_ms = self.changed(), self._written_ms
        n_dirty, rows_max = int(np.count_nonzero(self._tracks.dirty)), self._tracks.rows_max
        if 4 * n_dirty > 3 * rows_max or now_ms - self._folded_ms >= FLUSH_MS:
            return changed  # memory is short, or there is time
        every_ms = FLUSH_ALONE_MS if self._alone() else FLUSH_MS
        for p in changed:
            written_ms.setdefault(p.n, now_ms)
        early = 2 * n_dirty > rows_max or sum(p.unwritten for p in changed) > FLUSH_ITEMS
        # Another turn, not a later one: a clock that is set back must not keep rows unwritten until it has caught up.
        late = [p for p in changed if early or _turn(p.n, now_ms, every_ms) != _turn(p.n, written_ms[p.n], every_ms)]
        late.sort(key=lambda p: written_ms[p.n])
        return late[: max(1, (2 if every_ms == FLUSH_MS else 1) * len(self._owned) // TURNS)]

    def _alone(self) -> bool:
        """Does nobody else read rows of ours, because no other worker has a partition?"""
        s = self._settings
        return len(self._owned) == s.deltas_partitions and len(self._owned_users) == s.events_partitions

    async def flush(self, partitions: list[TrackPartition], now_ms: int) -> None:
        """Write what changed in `partitions`."""
        async with self._writing:
            owned = [p for p in partitions if p.next > p.stored and self._owned.get(p.n) is p]
            self._written_ms.update((p.n, now_ms) for p in owned)
            if owned:
                await self._write(owned)

    async def _write(self, changed: list[TrackPartition]) -> None:
        slots = [self._tracks.dirty_slots(p.n) for p in changed]
        calls = [self._call(p, rows) for p, rows in zip(changed, slots, strict=True)]
        named = [list(p.new_ids) for p in changed]
        for rows in slots:
            self._tracks.dirty[rows] = False
        unwritten = [p.unwritten for p in changed]
        replies = await self._store.apply(calls)
        for p, call, reply, tracks, n in zip(changed, calls, replies, named, unwritten, strict=True):
            if not isinstance(reply, Applied):
                self._refused(p)
                continue
            p.stored = call.end
            p.unwritten -= n
            for track in tracks:
                p.new_ids.pop(track, None)

    def _call(self, p: TrackPartition, slots: I32) -> FencedCall:
        commands = [Command("SET", self._keys.popular(p.n), (self._popular(p),))]
        if p.new_ids:
            pairs = [text for track, name in p.new_ids.items() for text in (hash_field(track), name)]
            commands.append(Command("HSET", self._keys.track_ids(p.n), tuple(pairs)))
        heads = self._tracks.arrays.head[slots].tolist()
        made = [(slot, head[ARTIST]) for slot, head in zip(slots.tolist(), heads, strict=True) if head[ARTIST]]
        if made:
            pairs = [hash_field(h) for slot, artist in made for h in (int(self._tracks.hash_of[slot]), artist)]
            commands.append(Command("HSET", self._keys.track_artists(p.n), tuple(pairs)))
        rows = self._tracks.encode(slots)
        return FencedCall(
            cursor=self._keys.track_cursor(p.n),
            pending_key=self._keys.track_pending(p.n),
            token=p.token,
            incarnation=p.incarnation,
            start=p.stored,
            end=p.next,
            cursor_fields=p.cursor_fields(),
            pending=b"",
            row_fields=ROW_FIELDS,
            rows=[(*self._told(p, slot, head), row) for slot, head, row in zip(slots.tolist(), heads, rows, strict=True)],
            commands=commands,
        )

    def _told(self, p: TrackPartition, slot: int, head: list[int]) -> tuple[str, bytes]:
        """Key and `about` of the row in `slot`."""
        whose = int(self._tracks.whose[slot])
        if whose == OF_TRACK:
            name = self._tracks.named(slot)
            return row_key(self._keys, whose, p.n, name), _about(name, head)
        about = AboutArtist if whose == OF_ARTIST else AboutAlbum
        name = hash_field(int(self._tracks.hash_of[slot]))
        return row_key(self._keys, whose, p.n, name), _json(about(name, head[track_state.PLAYS]))

    def _popular(self, p: TrackPartition) -> bytes:
        # Who rose since the last write is dirty, so its row and its name are still in memory.
        top = p.top[: p.n_top]
        slot_of = zip(top.tolist(), self._tracks.slots(top).tolist(), strict=True)
        p.top_ids = {track: p.top_ids.get(track) or self._tracks.named(slot) for track, slot in slot_of}
        pairs = zip(top.tolist(), p.top_score[: p.n_top].tolist(), strict=True)
        return msgspec.json.encode([(p.top_ids[track], score) for track, score in pairs])

    async def open(self, partition: TrackPartition) -> None:
        """A claim found the partition: read its popular tracks."""
        self._tracks.drop_partition(partition.n)
        raw = (await self._store.text([self._keys.popular(partition.n)]))[0]
        top = msgspec.json.decode(raw, type=list[tuple[str, float]]) if raw else []
        partition.n_top = len(top)
        partition.top_ids = {self._names.hash(name): name for name, _ in top}
        partition.top[: len(top)] = list(partition.top_ids)
        partition.top_score[: len(top)] = [score for _, score in top]


def _batch(work: list[tuple[TrackPartition, list[Record]]]) -> Batch:
    """Sort out what was applied before. Raises `BadSection`, `NumberGap`."""
    items: list[memoryview] = []
    ids: list[memoryview] = []
    parts = []
    for partition, records in work:
        records = [r for r in records if r.offset >= partition.next]
        if records:
            parts.append(_fresh(partition, records, items, ids))
    # A bytearray, because kernels are compiled for arrays that may be written.
    return Batch(np.frombuffer(bytearray().join(items), ITEM), b"".join(ids), parts)


def _fresh(partition: TrackPartition, records: list[Record], items: list[memoryview], ids: list[memoryview]) -> Fresh:
    """Add the new items of one partition to `items`, and the ids of its count items to `ids`."""
    watermarks = dict(partition.watermarks)
    n = skipped = 0
    for record in records:
        for section in read_sections(record.value or b""):
            if section.incarnation != partition.incarnation:
                skipped += section.n
                continue
            drop = admit(section, watermarks.get(section.source, 0))
            skipped += drop
            if drop == section.n:
                continue
            new_items, new_ids = _new_in(section, drop)
            items.append(new_items)
            ids.append(new_ids)
            watermarks[section.source] = section.last
            n += section.n - drop
    return Fresh(partition, records[-1].offset + 1, n, skipped, watermarks)


def _new_in(section: Section, drop: int) -> tuple[memoryview, memoryview]:
    """Items and ids of a section without the first `drop` items, as views. Raises `BadSection`."""
    ids_at = section.n * ITEM.itemsize
    if len(section.body) < ids_at:
        raise BadSection(f"{section.n} items in {len(section.body)} bytes")
    known = int(np.frombuffer(section.body, ITEM, drop)["name_len"].sum()) if drop else 0
    return section.body[drop * ITEM.itemsize : ids_at], section.body[ids_at + known :]


def _turn(n: int, at_ms: int, every_ms: int) -> int:
    """How many turns partition `n` has had by `at_ms`."""
    return (at_ms - every_ms * (n % TURNS) // TURNS) // every_ms


def _about(name: str, head: list[int]) -> bytes:
    return _json(About(name, *head[: track_state.PRECEDED + 1]))
