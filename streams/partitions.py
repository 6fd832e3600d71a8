"""What a worker keeps of a partition that it owns: the cursor in memory, and how it is spelled in Redis."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
import numpy as np

from infra.fenced import Field
from online_models.arrays import F64, I64
from online_models.popularity import TOP
from streams.sections import watermarks_of

OUTCOMES = ("applied", "duplicate", "private", "rejected")
"""Counters of a users' partition, in the order of the kernel's outcomes: their sum is the records below `next`."""
RECENT = ("recent_plays", "recent_hr20", "recent_mrr20", "recent_popular_hr20")
"""Prequential measures over the last ~1,000 tested plays of the partition."""


@dataclass(eq=False)
class UserPartition:
    """A users' partition: everything but rows. Two claims of one partition are two objects."""

    n: int
    token: str
    incarnation: str
    next: int
    counts: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    sent: list[int] = field(default_factory=list)
    """Numbers given to items so far, per tracks' partition."""
    lessons: dict[str, int] = field(default_factory=dict)
    """Numbers given to lessons so far, per model."""
    recent: F64 = field(default_factory=lambda: np.zeros(4))
    noted: int = -1
    """Offset that an owner noted before it handled that record alone."""
    deaths: int = 0
    """How often `noted` was begun."""
    careful: int = 0
    """Records still to be handled one at a time, because the owners before died without an apply."""
    ranker_ms: int = 0
    """When the ranker's weights were copied last."""
    proven: bool = False
    """An apply landed since the claim (or nothing was there to apply)."""

    def cursor_fields(self) -> dict[str, Field]:
        """All but the fence's own fields."""
        fields: dict[str, Field] = dict(zip(OUTCOMES, self.counts, strict=True))
        fields["sent"] = msgspec.json.encode(self.sent)
        fields["lessons"] = msgspec.json.encode(self.lessons)
        fields.update(zip(RECENT, self.recent.tolist(), strict=True))
        return fields


CLAIMS_MAX = 2
"""Claims without an apply in between that are still taken for chance; with the next one records are handled one at a time."""


def user_partition(n: int, token: str, fields: dict[str, bytes], deltas_partitions: int, round_max: int = 1_000) -> UserPartition:
    """The partition as its cursor says; `round_max` is the longest round that may hold what the last owners died of."""
    noted, next_ = int(fields.get("noted", -1)), int(fields["next"])
    return UserPartition(
        noted=noted,
        deaths=int(fields.get("deaths", 0)),
        careful=round_max if noted >= next_ or int(fields.get("claims", 0)) > CLAIMS_MAX else 0,
        n=n,
        token=token,
        incarnation=fields["incarnation"].decode(),
        next=next_,
        counts=[int(fields.get(name, 0)) for name in OUTCOMES],
        sent=msgspec.json.decode(fields["sent"], type=list[int]) if "sent" in fields else [0] * deltas_partitions,
        lessons=msgspec.json.decode(fields["lessons"], type=dict[str, int]) if "lessons" in fields else {},
        recent=np.array([float(fields.get(name, 0)) for name in RECENT]),
    )


@dataclass(eq=False)
class TrackPartition:
    """A tracks' partition: the cursor, and what was applied in memory since it was written."""

    n: int
    token: str
    incarnation: str
    stored: int
    """`next` in Redis."""
    next: int
    """Offset after the newest record applied in memory."""
    applied: int = 0
    skipped: int = 0
    unwritten: int = 0
    """Items applied in memory that the cursor in Redis does not cover."""
    watermarks: dict[int, int] = field(default_factory=dict)
    """Source partition -> number of the last item applied."""
    top: I64 = field(default_factory=lambda: np.zeros(TOP, np.int64))
    top_score: F64 = field(default_factory=lambda: np.zeros(TOP))
    n_top: int = 0
    top_ids: dict[int, str] = field(default_factory=dict)
    """Ids of the tracks in `top`: their rows and names may be gone from memory."""
    new_ids: dict[int, str] = field(default_factory=dict)
    """Tracks that Redis does not know by name yet."""

    def cursor_fields(self) -> dict[str, Field]:
        """All but the fence's own fields."""
        wm = {str(source): number for source, number in sorted(self.watermarks.items())}
        return {"applied": self.applied, "skipped": self.skipped, "wm": msgspec.json.encode(wm)}


def track_partition(n: int, token: str, fields: dict[str, bytes]) -> TrackPartition:
    """The partition as its cursor says."""
    stored = int(fields["next"])
    return TrackPartition(
        n=n,
        token=token,
        incarnation=fields["incarnation"].decode(),
        stored=stored,
        next=stored,
        applied=int(fields.get("applied", 0)),
        skipped=int(fields.get("skipped", 0)),
        watermarks=watermarks_of(fields),
    )
