"""A Kafka in memory: partitions with offsets, holes (markers, aborted batches) and retention."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from operator import attrgetter

from streams.ports import TP
from tests.events_log import Appended

Headers = Sequence[tuple[str, bytes]]
_offset = attrgetter("offset")


class PartitionLog:
    """One partition. Everything ever appended stays here; `first` is how far retention let readers see."""

    def __init__(self, tp: TP) -> None:
        self.tp = tp
        self.records: list[Appended] = []
        """Readable ones, by offset."""
        self.first = 0
        """First offset that retention left."""
        self.end = 0
        """Offset of the next append."""

    def append(self, key: bytes | None, value: bytes | None, headers: Headers, at_ms: int) -> Appended:
        record = Appended(key, value, tuple(headers), at_ms, self.end, self.tp.partition, self.tp.topic)
        self.records.append(record)
        self.end += 1
        return record

    def hole(self, n: int) -> None:
        """Offsets that no reader gets: aborted records, a transaction's marker, what compaction removed."""
        self.end += n

    def trim(self, first: int) -> None:
        """Retention deletes what lies before `first`."""
        self.first = max(self.first, min(first, self.end))

    def read(self, at: int, n: int) -> tuple[list[Appended], int]:
        """At most `n` readable records from offset `at` on, and the position behind them (behind holes too)."""
        assert at >= self.first, f"{self.tp}: offset {at} is out of range, the log begins at {self.first}"
        start = bisect_left(self.records, at, key=_offset)
        chunk = self.records[start : start + n]
        if start + n >= len(self.records):
            return chunk, max(at, self.end)
        return chunk, chunk[-1].offset + 1

    def compacted(self) -> list[Appended]:
        """What a thorough compaction leaves: of each key what was appended last."""
        newest = {record.key: record for record in self.records}
        return [record for record in self.records if newest[record.key] is record]

    @property
    def last(self) -> int:
        """Offset behind the last readable record, 0 without one."""
        return self.records[-1].offset + 1 if self.records else 0


class MemoryLog:
    """All topics; a partition begins to exist when it is first asked for."""

    def __init__(self) -> None:
        self._logs: dict[TP, PartitionLog] = {}
        self.counts: dict[str, int] = defaultdict(int)
        """Partitions per topic, as far as the test declared them."""

    def declare(self, topic: str, partitions: int) -> None:
        self.counts[topic] = partitions
        for n in range(partitions):
            self[TP(topic, n)]

    def __getitem__(self, tp: TP) -> PartitionLog:
        if tp not in self._logs:
            self._logs[tp] = PartitionLog(tp)
        return self._logs[tp]
