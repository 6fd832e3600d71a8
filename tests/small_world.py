"""A plays worker in memory, for tests: a log that appends, a group of one, deltas that come back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

import msgspec

from infra.memory_store import MemoryStore
from infra.settings import Settings
from streams.memory_outbox import MemoryOutbox
from streams.partitioner import partition_of
from streams.plays import Plays
from streams.ports import TP, Record
from streams.short_lists import published
from tests.events_log import APPENDED_MS, PLAYED_MS, Appended

SMALL = Settings(events_partitions=2, deltas_partitions=3, user_rows_max=64, track_rows_max=512)


def play(n: int, user: str = "ana", track: str = "t0", *, at_ms: int | None = None, **changes: object) -> dict[str, object]:
    """A play heard to its end, four minutes after the one with the number before it."""
    event = {
        "event_id": f"e{n}",
        "user_id": user,
        "track_id": track,
        "played_at": PLAYED_MS - 10**9 + n * 240_000 if at_ms is None else at_ms,
        "ms_played": 200_000,
        "duration_ms": 210_000,
        "session_id": f"{user}-s",
    } | changes
    return {name: value for name, value in event.items() if value is not ...}


class SmallWorld:
    """One worker that owns everything, unless a test claims less."""

    def __init__(self, settings: Settings = SMALL, store: MemoryStore | None = None) -> None:
        self.settings = settings
        self.store = store or MemoryStore()
        self.outbox = MemoryOutbox()
        self.log: dict[int, list[Appended]] = defaultdict(list)
        self.worker = self.new_worker()
        self._taken = [0] * settings.deltas_partitions

    def new_worker(self) -> Plays:
        """A process that starts: nothing in memory."""
        self.worker = Plays(self.settings, self.store, self.outbox, self)
        self.worker.attach(self)
        return self.worker

    # --- what the worker sees ---

    def now_ms(self) -> int:
        return APPENDED_MS

    async def bounds(self, tps: Collection[TP]) -> dict[TP, tuple[int, int]]:
        return dict.fromkeys(tps, (0, 10**9))

    async def reposition(self, tp: TP, offset: int) -> bool:
        return True

    async def confirmed_member(self) -> None:
        return

    async def read_one(self, tp: TP, offset: int) -> Record:
        return self.log[tp.partition][offset]

    async def read_all(self, topic: str) -> list[bytes | None]:
        """What compaction leaves: of each key what was appended last."""
        return list({out.key: out.value for out in self.outbox.log.get((topic, 0), [])}.values())

    async def publish_positions(self, positions: Mapping[TP, int]) -> None:
        return

    # --- what a test does ---

    def append(self, *events: Mapping[str, object]) -> list[Appended]:
        """Put events on the log."""
        records = []
        for event in events:
            key = str(event["user_id"]).encode()
            p = partition_of(key, self.settings.events_partitions)
            record = Appended(key, msgspec.json.encode(event), partition=p, offset=len(self.log[p]))
            self.log[p].append(record)
            records.append(record)
        return records

    async def claim_all(self) -> dict[TP, int]:
        """Own every partition."""
        s, w = self.settings, self.worker
        users = [TP(w.events_topic, p) for p in range(s.events_partitions)]
        found = await w.claim(users + [TP(w.deltas_topic, q) for q in range(s.deltas_partitions)])
        self._taken = [found[TP(w.deltas_topic, q)] for q in range(s.deltas_partitions)]
        return found

    async def handle(self, records: Iterable[Appended]) -> None:
        """One delivery of records; then what the round sent to the tracks' side comes back."""
        chunks: dict[int, list[Record]] = defaultdict(list)
        for record in records:
            chunks[record.partition].append(record)
        await self.worker.receive(self.worker.events_topic, dict(chunks))
        await self.worker.settle()
        await self.loop_deltas()

    async def loop_deltas(self) -> None:
        """Deliver the delta records that were not delivered yet."""
        chunks: dict[int, list[Record]] = {}
        for q in range(self.settings.deltas_partitions):
            log = self.outbox.log.get((self.worker.deltas_topic, q), [])
            fresh = [
                Appended(None, out.value, partition=q, offset=i, topic=self.worker.deltas_topic)
                for i, out in enumerate(log)
                if i >= self._taken[q]
            ]
            self._taken[q] = len(log)
            if fresh:
                chunks[q] = list(fresh)
        if chunks:
            await self.worker.receive(self.worker.deltas_topic, chunks)
            await self.worker.settle()

    async def play(self, *events: Mapping[str, object]) -> None:
        """Append and handle, in one round."""
        await self.handle(self.append(*events))

    # --- what a test looks at ---

    def user(self, user: str) -> dict[str, bytes]:
        """The user's hash; {} when there is none."""
        p = partition_of(user.encode(), self.settings.events_partitions)
        return dict(self.store.redis.hash(self.worker._keys.user(p, user)))

    def lists(self, user: str) -> dict[str, list[dict[str, object]]]:
        """The user's newest lists."""
        found: dict[str, list[dict[str, object]]] = msgspec.json.decode(published(self.user(user)["list"]))
        return found

    def tracks(self, user: str, name: str = "next") -> list[object]:
        """Ids of the user's newest list."""
        return [entry["track_id"] for entry in self.lists(user)[name]]

    def published(self) -> list[dict[str, object]]:
        """Every list on the topic, partition by partition."""
        topic = f"{self.settings.namespace}.recommendations"
        logs = [log for (name, _), log in sorted(self.outbox.log.items()) if name == topic]
        return [msgspec.json.decode(out.value) for log in logs for out in log if out.value is not None]

    def cursor(self, p: int) -> dict[str, bytes]:
        """Cursor of a users' partition."""
        return dict(self.store.redis.hash(self.worker._keys.user_cursor(p)))

    def count(self, name: str) -> int:
        """A counter, summed over the users' partitions."""
        return sum(int(self.cursor(p).get(name, 0)) for p in range(self.settings.events_partitions))
