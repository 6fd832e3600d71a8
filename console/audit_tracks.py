"""The tracks' side of an audit: items against what users' partitions sent, all rows against the fold of the items."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from console.audit_read import Topics
from console.audit_report import AuditReport, Promise
from console.audit_users import Stream, deltas_of
from console.redis_door import State
from infra.keys import Keys
from infra.settings import Settings
from online_models import track_state
from online_models.arrays import Items
from online_models.items import MADE, OF_ALBUM, OF_ARTIST, ON_ALBUM
from online_models.presets import PRESETS
from streams.ids import hash_field
from streams.row_keys import row_key
from streams.sections import DELTAS, NumberGap, Section, admit, read_sections, watermarks_of
from streams.track_rows import OWN, TrackRows

KEYS_AT_ONCE: Final = 400
COUNTS: Final = ("plays", "skips", "finishes", "followed", "preceded")
"""Of a track's `about`: the first columns of its row's head."""


class Fresh(NamedTuple):
    """Items of one source that were not seen before, with the ids of tracks beside the count items."""

    source: int
    items: Items
    names: dict[int, str]


class TargetFold:
    """One partition of track deltas, folded whole.

    Attributes
    ----------
    streams: source partition -> its items, each number once
    """

    def __init__(self, settings: Settings, topics: Topics, target: int, incarnation: str) -> None:
        self._topics, self._target, self._incarnation = topics, target, incarnation
        self._topic = f"{settings.namespace}.internal.track-deltas"
        self.streams: dict[int, Stream] = {}
        self.names: dict[int, str] = {}
        self.makers: dict[int, int] = {}
        """Hash of an artist or an album -> which of both, in the order in which they were met."""
        self.end = 0
        self.gaps: list[str] = []
        self._preset = PRESETS[settings.preset]
        self.rows = TrackRows(1, self._preset)

    def run(self) -> None:
        """Read the topic twice: once to see how many rows there are, once to fold."""
        for fresh in self._fresh():
            self.streams.setdefault(fresh.source, Stream()).add(fresh.items)
            self.names.update(fresh.names)
            for flag, whose in ((MADE, OF_ARTIST), (ON_ALBUM, OF_ALBUM)):
                self.makers.update(dict.fromkeys(fresh.items["src"][fresh.items["flags"] & flag != 0].tolist(), whose))
        self.rows = TrackRows(max(len(self.names) + len(self.makers), 1), self._preset)
        for track, name in self.names.items():
            self.rows.load(track, self._target, name, None, OWN)
        for maker, whose in self.makers.items():
            self.rows.load(maker, self._target, None, None, OWN, whose)
        self.gaps.clear()
        for fresh in self._fresh():
            track_state.apply_items(self.rows.arrays, fresh.items, np.empty(len(fresh.items), np.int32))

    def _fresh(self) -> Iterator[Fresh]:
        marks: dict[int, int] = {}
        for record in self._topics.read(self._topic, self._target):
            self.end = record.offset + 1
            for section in read_sections(record.value or b""):
                if section.incarnation != self._incarnation or section.kind != DELTAS:
                    continue
                try:
                    drop = admit(section, marks.get(section.source, 0))
                except NumberGap as gap:
                    self.gaps.append(f"{self._topic}-{self._target}@{record.offset}: {gap}")
                    continue
                marks[section.source] = max(section.last, marks.get(section.source, 0))
                if drop < section.n:
                    items = deltas_of(section.body, section.n)
                    yield Fresh(section.source, items[drop:], _names(section, items))

    def encoded(self) -> dict[int, bytes]:
        """Track, artist or album -> its row as an apply would store it."""
        hashes = [*self.names, *self.makers]
        slots = self.rows.slots(np.array(hashes, np.int64))
        return dict(zip(hashes, self.rows.encode(slots), strict=True)) if hashes else {}

    def key(self, some: int, keys: Keys) -> str:
        """Where the row of a track, an artist or an album stands."""
        if some in self.makers:
            return row_key(keys, self.makers[some], self._target, hash_field(some))
        return keys.track(self._target, self.names[some])

    def about(self, some: int) -> dict[str, Any]:
        """What `about` must say of it."""
        head = self.head(some)
        if some in self.makers:
            return {"artist" if self.makers[some] == OF_ARTIST else "album": hash_field(some), "plays": head[track_state.PLAYS]}
        return {"track_id": self.names[some], **dict(zip(COUNTS, head, strict=False))}

    def head(self, track: int) -> list[int]:
        """Counts of a track."""
        slot = int(self.rows.slots(np.array([track], np.int64))[0])
        found: list[int] = self.rows.arrays.head[slot].tolist()
        return found


def _names(section: Section, items: Items) -> dict[int, str]:
    names: dict[int, str] = {}
    at = section.n * items.dtype.itemsize
    counts = items[items["lag"] == 0]
    for track, length in zip(counts["src"].tolist(), counts["name_len"].tolist(), strict=True):
        names[track] = str(section.body[at : at + length], "utf-8")
        at += length
    return names


def audit_target(fold: TargetFold, sent: Mapping[int, Stream], state: State, report: AuditReport) -> None:
    """Promise 3 and the finite part of 6, for one partition.

    Parameters
    ----------
    sent: source partition -> what the log implies that it sent here
    """
    promise = report.promises["P3"]
    for gap in fold.gaps:
        promise.differ(gap)
    for source in sorted(sent.keys() | fold.streams.keys()):
        wanted, there = sent.get(source, Stream()).told(), fold.streams.get(source, Stream()).told()
        promise.look(wanted[0])
        report.transitions += wanted[0]
        if wanted != there:
            promise.differ(
                f"deltas {fold._target} from events {source}: the log implies {wanted[0]} items, the topic has {there[0]}, or others"
            )
    _audit_cursor(fold, state, promise)
    _audit_rows(fold, state, report)


def _audit_cursor(fold: TargetFold, state: State, promise: Promise) -> None:
    cursor = state.hashes([state.keys.track_cursor(fold._target)])[0]
    wanted = {source: stream.n for source, stream in fold.streams.items()}
    if not cursor:
        if wanted:
            promise.differ(f"{state.keys.track_cursor(fold._target)} is missing, and the topic holds {sum(wanted.values())} items")
        return
    marks = {source: n for source, n in watermarks_of(cursor).items() if n}
    if marks != wanted or int(cursor.get("applied", 0)) != sum(wanted.values()):
        promise.differ(f"{state.keys.track_cursor(fold._target)} took {marks}, {cursor.get('applied')!r} in all; the topic holds {wanted}")


def _audit_rows(fold: TargetFold, state: State, report: AuditReport) -> None:
    promise, rows = report.promises["P3"], fold.encoded()
    hashes = list(rows)
    for start in range(0, len(hashes), KEYS_AT_ONCE):
        part = hashes[start : start + KEYS_AT_ONCE]
        keys = [fold.key(some, state.keys) for some in part]
        for some, key, found in zip(part, keys, state.hashes(keys), strict=True):
            promise.look()
            if found.get("row") != rows[some]:
                promise.differ(
                    f"{key} ({hash_field(some)}): `row` is not the fold of its items ({_row_words(fold, some, found.get('row'))})"
                )
            if not _says(found.get("about"), fold.about(some)):
                promise.differ(f"{key}: `about` is {found.get('about')!r}, the fold gives {fold.about(some)}")
        report.promises["P6"].look(len(part))
    slots, a = fold.rows.slots(np.array(hashes, np.int64)), fold.rows.arrays
    for what, numbers in (
        ("decayed plays", a.popular),
        ("counts", a.neighbours.counts),
        ("sums", a.neighbours.total),
        ("vectors", a.vectors),
    ):
        if not np.isfinite(numbers[slots]).all():
            report.promises["P6"].differ(f"tracks' partition {fold._target}: {what} that are not finite")


def _row_words(fold: TargetFold, track: int, row: bytes | None) -> str:
    if row is None:
        return "no row"
    told = np.frombuffer(row, np.int64, 5, 8).tolist() if len(row) >= 48 else []
    return f"plays, skips, finishes, followed, preceded: {told} in Redis, {fold.head(track)[:5]} by the fold"


def _says(about: bytes | None, wanted: dict[str, Any]) -> bool:
    if about is None:
        return False
    told = msgspec.json.decode(about)
    return {field: told.get(field) for field in wanted} == wanted
