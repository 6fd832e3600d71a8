"""What a round holds in its hands: records taken, and what was made of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from infra.fenced import FencedCall
from online_models.arrays import I32
from online_models.events import Events
from online_models.plays import Outcomes
from streams.contract import Decision
from streams.intake import Batch
from streams.partitions import UserPartition
from streams.pending import Numbered
from streams.ports import Outgoing, Record


@dataclass(eq=False)
class Taken:
    """One partition's records in this round, judged."""

    partition: UserPartition
    records: list[Record]
    batch: Batch
    start: int
    """Offset that `next` in Redis must equal."""

    @property
    def mark(self) -> bytes:
        """Start of the ids of the partition's lists."""
        return self.partition.incarnation[:4].encode() + b"-"

    @property
    def end(self) -> int:
        """Offset that becomes `next`."""
        return self.records[-1].offset + 1


@dataclass(eq=False)
class RoundWork:
    """A round in the middle: event `i` of the arrays is event `i - first[part[i]]` of `taken[part[i]]`."""

    taken: list[Taken]
    user_ids: list[str]
    events: Events
    part: I32
    first: list[int]
    out: Outcomes
    at_ms: int
    lists: dict[int, bytes] = field(default_factory=dict)
    """Event -> JSON of its list pair, as it is published: a view of the buffer that it was written to."""
    short: dict[int, bytes] = field(default_factory=dict)
    """Event -> its list pair as it stands in Redis (`streams/short_lists.py`)."""
    ids: dict[int, bytes] = field(default_factory=dict)
    """Event -> id of its list pair."""


@dataclass(eq=False)
class Made:
    """What a round made of one partition: to be applied, then published, then counted."""

    taken: Taken
    call: FencedCall
    records: list[Outgoing]
    """Lists and dead letters."""
    numbered: list[Numbered]
    counted: list[int]
    """applied, duplicate, private, rejected, in this round."""
    counts: list[int]
    """applied, duplicate, private, rejected, after this round."""
    sent: list[int]
    lessons: dict[str, int]
    n_lists: int
    decided: list[Decision]
    """What the ranker decided by itself and this partition's apply takes along."""

    def stands(self) -> None:
        """The apply landed: the partition in memory follows it."""
        p = self.taken.partition
        p.proven = True
        p.careful = max(0, p.careful - len(self.taken.records))
        p.next, p.counts, p.sent, p.lessons = self.taken.end, self.counts, self.sent, self.lessons
