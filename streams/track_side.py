"""The tracks' side: folds numbered items into track rows, each once, and writes them back now and then.

Rows in memory run ahead of Redis by at most `FLUSH_MS`; the cursor, the watermarks and the rows are
written together, so a crash reads the same items again into the same rows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec
import numpy as np

from infra.fenced import Applied, Command, FencedCall
from infra.keys import Keys
from infra.settings import Settings
from online_models import covisits
from online_models.arrays import I64, Items
from online_models.covisits import apply_items
from online_models.items import ITEM
from online_models.popularity import update_top
from streams.ids import hash_field
from streams.loading import Loader
from streams.names import Names
from streams.partitions import TrackPartition
from streams.ports import Record, Store
from streams.sections import BadSection, Section, admit, read_sections
from streams.track_rows import TrackRows

FLUSH_MS: Final = 500
"""Writing each changed row twice a second instead of at every round saves nine of ten writes."""
TURNS: Final = 8
"""Partitions are written in turn, a quarter of them in one round at most: to write all at once held a round, and every
play behind it, up for 70 ms twice a second (p99 at 1,000/s: 150 ms)."""
FLUSH_ROWS: Final = 8_192
"""Rows that may wait for a write, whatever the time."""
ROW_FIELDS: Final = ("about", "row")


class Fresh(NamedTuple):
    """The items of some records that were not applied before."""

    items: Items
    ids: bytes
    """Ids of the count items, one after the other."""
    skipped: int
    watermarks: dict[int, int]


class TrackSide:
    """All tracks' partitions of one worker."""

    def __init__(
        self, settings: Settings, store: Store, loader: Loader, tracks: TrackRows, names: Names, owned: Mapping[int, TrackPartition]
    ) -> None:
        self._store, self._loader, self._tracks, self._names, self._owned = store, loader, tracks, names, owned
        self._writing = asyncio.Lock()
        self._keys = Keys(settings.namespace)
        self._written_ms: dict[int, int] = {}

    async def fold(self, partition: TrackPartition, records: list[Record], now_ms: int, round_n: int) -> int:
        """Apply what is new in `records`; returns the items applied. The rows are written by `flush`."""
        records = [r for r in records if r.offset >= partition.next]
        if not records:
            return 0
        fresh = _fresh(partition, records)
        strangers = self._strangers(fresh)
        await self._load(fresh, strangers, now_ms, round_n)
        if self._owned.get(partition.n) is not partition:
            return 0  # it went while we read, and its rows with it
        self._note_new(partition, strangers)
        self._apply(partition, fresh)
        partition.next = records[-1].offset + 1
        partition.applied += len(fresh.items)
        partition.skipped += fresh.skipped
        partition.watermarks = fresh.watermarks
        return len(fresh.items)

    def _strangers(self, fresh: Fresh) -> dict[int, str]:
        """Hash -> id of the played tracks whose row is not in memory, or was never played: Redis may not know them."""
        counts = fresh.items[fresh.items["lag"] == 0]
        slots = self._tracks.slots(counts["dst"])
        strange = np.flatnonzero((slots < 0) | (self._tracks.arrays.head[slots, covisits.PLAYS] == 0))
        ends = np.cumsum(counts["name_len"], dtype=np.int64)[strange].tolist()
        found = zip(counts["dst"][strange].tolist(), ends, counts["name_len"][strange].tolist(), strict=True)
        return {track: str(fresh.ids[end - length : end], "utf-8") for track, end, length in found}

    async def _load(self, fresh: Fresh, strangers: dict[int, str], now_ms: int, round_n: int) -> None:
        for name in strangers.values():
            self._names.hash(name)
        owners = np.unique(_owner(fresh.items))
        slots = self._tracks.slots(owners)
        self._tracks.touched[slots[slots >= 0]] = round_n
        missing = owners[slots < 0]
        if len(missing):
            await self._loader.tracks(missing.tolist(), now_ms, round_n)

    def _note_new(self, partition: TrackPartition, strangers: dict[int, str]) -> None:
        """A row without plays is a track that Redis does not know by name yet."""
        if not strangers:
            return
        slots = self._tracks.slots(np.array(list(strangers), np.int64)).tolist()
        for slot, (track, name) in zip(slots, strangers.items(), strict=True):
            if self._tracks.arrays.head[slot, covisits.PLAYS] == 0:
                partition.new_ids[track] = name
                self._tracks.name_of[slot] = name

    def _apply(self, partition: TrackPartition, fresh: Fresh) -> None:
        if not len(fresh.items):
            return
        touched = np.empty(len(fresh.items), np.int32)
        apply_items(self._tracks.arrays, fresh.items, touched)
        slots = np.unique(touched)
        assert slots[0] >= 0, "every owner's row was loaded"
        self._tracks.dirty[slots] = True
        p, before = partition, partition.top.copy()
        p.n_top = update_top(self._tracks.arrays, slots, self._tracks.hash_of, p.top, p.top_score, p.n_top)
        if not np.array_equal(before, p.top):
            top = p.top[: p.n_top]
            slot_of = zip(top.tolist(), self._tracks.slots(top).tolist(), strict=True)
            p.top_ids = {track: p.top_ids.get(track) or self._tracks.named(slot) for track, slot in slot_of}

    def changed(self) -> list[TrackPartition]:
        """Partitions that were not written since their last item."""
        return [p for p in self._owned.values() if p.next > p.stored]

    def due(self, now_ms: int) -> list[TrackPartition]:
        """Partitions whose turn it is to be written, the longest unwritten first."""
        changed, written_ms = self.changed(), self._written_ms
        if int(np.count_nonzero(self._tracks.dirty)) >= FLUSH_ROWS:
            return changed
        for p in changed:
            written_ms.setdefault(p.n, now_ms - FLUSH_MS * (p.n % TURNS) // TURNS)
        late = sorted((p for p in changed if now_ms - written_ms[p.n] >= FLUSH_MS), key=lambda p: written_ms[p.n])
        return late[: max(1, 2 * len(self._owned) // TURNS)]

    async def flush(self, partitions: list[TrackPartition], now_ms: int) -> list[TrackPartition]:
        """Write what changed in `partitions`; returns those that were refused."""
        async with self._writing:
            owned = [p for p in partitions if p.next > p.stored and self._owned.get(p.n) is p]
            self._written_ms.update((p.n, now_ms) for p in owned)
            return await self._write(owned) if owned else []

    async def _write(self, changed: list[TrackPartition]) -> list[TrackPartition]:
        calls = [self._call(p) for p in changed]
        named = [list(p.new_ids) for p in changed]
        for p in changed:
            self._tracks.dirty[self._tracks.dirty_slots(p.n)] = False
        replies = await self._store.apply(calls)
        refused = []
        for p, call, reply, tracks in zip(changed, calls, replies, named, strict=True):
            if not isinstance(reply, Applied):
                refused.append(p)
                continue
            p.stored = call.end
            for track in tracks:
                p.new_ids.pop(track, None)
        return refused

    def _call(self, p: TrackPartition) -> FencedCall:
        slots = self._tracks.dirty_slots(p.n)
        commands = [Command("SET", self._keys.popular(p.n), (self._popular(p),))]
        if p.new_ids:
            pairs = [text for track, name in p.new_ids.items() for text in (hash_field(track), name)]
            commands.append(Command("HSET", self._keys.track_ids(p.n), tuple(pairs)))
        ids = [self._tracks.named(slot) for slot in slots.tolist()]
        heads = self._tracks.arrays.head[slots].tolist()
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
            rows=[(self._keys.track(p.n, name), _about(name, head), row) for name, head, row in zip(ids, heads, rows, strict=True)],
            commands=commands,
        )

    def _popular(self, p: TrackPartition) -> bytes:
        pairs = zip(p.top[: p.n_top].tolist(), p.top_score[: p.n_top].tolist(), strict=True)
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


def _owner(items: Items) -> I64:
    """Hash of the row that each item changes (n,)."""
    return np.where(items["lag"] == 0, items["dst"], items["src"])


def _fresh(partition: TrackPartition, records: list[Record]) -> Fresh:
    """Sort out what was applied before. Raises `BadSection`, `NumberGap`."""
    watermarks = dict(partition.watermarks)
    parts: list[Items] = []
    bodies: list[bytes] = []
    skipped = 0
    for record in records:
        for section in read_sections(record.value or b""):
            if section.incarnation != partition.incarnation:
                skipped += section.n
                continue
            drop = admit(section, watermarks.get(section.source, 0))
            skipped += drop
            if drop == section.n:
                continue
            items = _items(section)
            lost = int(items["name_len"][:drop].sum()) if drop else 0
            bodies.append(bytes(section.body[section.n * ITEM.itemsize + lost :]))
            parts.append(items[drop:])
            watermarks[section.source] = section.last
    items = np.concatenate(parts) if parts else np.zeros(0, ITEM)
    return Fresh(items, b"".join(bodies), skipped, watermarks)


def _items(section: Section) -> Items:
    if len(section.body) < section.n * ITEM.itemsize:
        raise BadSection(f"{section.n} items in {len(section.body)} bytes")
    return np.frombuffer(section.body, ITEM, section.n)


def _about(name: str, head: list[int]) -> bytes:
    """A track in a few words, for people."""
    return b'{"track_id":%b,"plays":%d,"skips":%d,"finishes":%d,"transitions":%d,"weight":%d}' % (
        msgspec.json.encode(name),
        head[covisits.PLAYS],
        head[covisits.SKIPS],
        head[covisits.FINISHES],
        head[covisits.TRANSITIONS],
        head[covisits.WEIGHT],
    )
