"""An owner of partitions for the transport's contract: keeps its cursors in memory and checks what it is promised."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from faust.types import TP

from streams.faust_app import SegueApp
from streams.ports import Record


class MemoryOwner:
    """Reads from the log's beginning (or `start`), appends to `seen`; `gate` holds it up inside `receive`."""

    def __init__(self) -> None:
        self.app: SegueApp | None = None
        self.start: dict[TP, int] = {}
        self.left_out: set[TP] = set()
        self.next: dict[TP, int] = {}
        self.seen: defaultdict[TP, list[Record]] = defaultdict(list)
        self.calls: list[dict[int, int]] = []
        self.claims: list[set[TP]] = []
        self.revocations: list[set[TP]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.shut_topics: set[str] = set()
        self.inside = 0
        self.claim_s = 0.0
        self._moves: defaultdict[TP, int] = defaultdict(int)

    async def move(self, tp: TP, offset: int) -> bool:
        """Read `tp` from `offset` on; forgets what was seen and drops what a call inside `receive` holds, as a round does."""
        assert self.app is not None
        self._moves[tp] += 1
        self.seen[tp].clear()
        self.next[tp] = offset
        return bool(await self.app.consumer.reposition(tp, offset))

    async def claim(self, tps: set[TP]) -> dict[TP, int]:
        self.claims.append(set(tps))
        assert self.app is not None
        bounds = await self.app.consumer.bounds(tps)
        if self.claim_s:
            await asyncio.sleep(self.claim_s)
        for tp in tps:
            self.next[tp] = self.start.get(tp, self.next.get(tp, bounds[tp][0]))
        return {tp: self.next[tp] for tp in tps - self.left_out}

    async def revoked(self, tps: set[TP]) -> None:
        self.revocations.append(set(tps))

    async def receive(self, topic: str, chunks: dict[int, list[Record]]) -> None:
        moves = dict(self._moves)
        self.inside += 1
        if not self.shut_topics or topic in self.shut_topics:
            await self.gate.wait()
        self.inside -= 1
        self.calls.append({partition: len(records) for partition, records in chunks.items()})
        for partition, records in chunks.items():
            tp = TP(topic, partition)
            if self._moves.get(tp, 0) == moves.get(tp, 0):
                self._append(tp, records)

    def _append(self, tp: TP, records: list[Record]) -> None:
        assert records, "an empty chunk is never delivered"
        offsets = [record.offset for record in records]
        assert offsets == sorted(set(offsets)), f"{tp}: offsets do not rise: {offsets}"
        assert offsets[0] >= self.next[tp], f"{tp}: {offsets[0]} was delivered again, the cursor is at {self.next[tp]}"
        self.next[tp] = offsets[-1] + 1
        self.seen[tp].extend(records)

    def values(self, topic: str, partition: int = 0) -> list[bytes | None]:
        return [record.value for record in self.seen[TP(topic, partition)]]

    def count(self, topic: str) -> int:
        return sum(len(records) for tp, records in self.seen.items() if tp.topic == topic)
