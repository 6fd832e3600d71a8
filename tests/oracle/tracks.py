"""Judges the track side: items on the deltas topic against the log, rows in Redis against the items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from math import isfinite

import msgspec

from tests.oracle.fold import Item, Sum
from tests.oracle.logs import Read
from tests.oracle.names import Names, hex_hash
from tests.oracle.redis_reads import Keyspace
from tests.oracle.rows import BadRow, track_row
from tests.oracle.sections import DELTAS, Malformed, Watermark, delta_items, sections_of
from tests.oracle.tables import Track
from tests.oracle.verdict import Findings

Expected = Callable[[int, int], Counter[Item]]
"""(source, target) -> the items that the log implies: asked only when the sums differ."""


class Deltas:
    """One target's log of deltas, each number taken once."""

    def __init__(self, target: int, n_sources: int, incarnation: str, findings: Findings) -> None:
        self.target = target
        self.marks = [Watermark() for _ in range(n_sources)]
        self.sums = [Sum() for _ in range(n_sources)]
        self.tracks: dict[int, Track] = {}
        self.next = 0
        self._incarnation = incarnation
        self._findings = findings

    def run(self, log: Iterable[Read]) -> None:
        """Fold every section of this incarnation, in the order of the topic."""
        for read in log:
            self.next = read.offset + 1
            try:
                self._record(read)
            except Malformed as error:
                self._findings.fault("transitions_wrong", f"deltas {self.target}@{read.offset}: {error}")

    def judge_cursor(self, cursor: Mapping[str, bytes], end: int) -> None:
        """Has the tracks' partition taken every item, each once (P3)?"""
        marks = msgspec.json.decode(cursor.get("wm", b"{}"), type=dict[int, int], strict=False)
        taken = {source: number for source, number in marks.items() if number}
        wanted = {source: len(mark.hashes) for source, mark in enumerate(self.marks) if mark.hashes}
        applied, at = int(cursor.get("applied", b"0")), int(cursor.get("next", b"0"))
        if taken != wanted or applied != sum(wanted.values()):
            self._findings.fault("cursors_wrong", f"deltas {self.target}: took {applied} items, {taken}; the topic has {wanted}")
        if not self.next <= at <= max(end, self.next):
            self._findings.fault("cursors_wrong", f"deltas {self.target}: next is {at}, the log ends at {end}")

    def _record(self, read: Read) -> None:
        for section in sections_of(read.value or b""):
            if section.incarnation != self._incarnation:
                continue
            if section.kind != DELTAS or section.source >= len(self.marks):
                raise Malformed(f"kind {section.kind} from source {section.source}")
            fresh = self.marks[section.source].new_of(section.first, delta_items(section))
            if fresh is None:
                had = len(self.marks[section.source].hashes)
                message = f"deltas {self.target}@{read.offset}: source {section.source} goes from {had} to {section.first}"
                self._findings.fault("transitions_wrong", message)
                continue
            for item in fresh:
                self._item(section.source, item)

    def _item(self, source: int, item: Item) -> None:
        self.sums[source].add(item)
        self._findings.seen("transitions", item[4] > 0)
        owner = item[1] if item[4] == 0 else item[0]
        track = self.tracks.get(owner)
        if track is None:
            track = self.tracks[owner] = Track()
        if item[4] == 0:
            track.count(item)
        else:
            track.follow(item)


def judge_items(
    deltas: Deltas, sums: list[Sum], expected: Expected, topic_items: Callable[[int], Counter[Item]], findings: Findings
) -> None:
    """Is what stands on the topic, each number once, what the log implies?"""
    for source, (seen, implied) in enumerate(zip(deltas.sums, sums, strict=True)):
        changed = deltas.marks[source].repeats_changed
        if changed:
            message = f"deltas {deltas.target} from {source}: {changed} items were sent again with other content"
            findings.fault("transitions_wrong", message, changed)
        if seen == implied:
            continue
        there, wanted = topic_items(source), expected(source, deltas.target)
        wrong = (there - wanted).total() + (wanted - there).total()
        example = next(iter((wanted - there) or (there - wanted)), None)
        findings.fault(
            "transitions_wrong",
            f"deltas {deltas.target} from {source}: the log implies {implied.n} items, the topic has {seen.n}; "
            f"{(wanted - there).total()} missing, {(there - wanted).total()} too many, for example {example}",
            max(wrong, 1),
        )


class TrackAbout(msgspec.Struct):
    """What people read about a track."""

    track_id: str
    plays: int
    skips: int
    finishes: int
    transitions: int
    weight: int


def judge_rows(deltas: Deltas, names: Names, keyspace: Keyspace, findings: Findings) -> list[str]:
    """Does every track's hash in Redis equal the fold? Returns the keys that may stand."""
    hashes = list(deltas.tracks)
    keys = [names.track(deltas.target, deltas.tracks[h].name.decode("utf-8", "replace")) for h in hashes]
    for track_hash, key, (about, row) in zip(hashes, keys, keyspace.fields(keys, "about", "row"), strict=True):
        findings.seen("tracks")
        difference = _about_difference(deltas.tracks[track_hash], about) or _row_difference(deltas.tracks[track_hash], row)
        if difference:
            findings.fault("tracks_wrong", f"{key} ({hex_hash(track_hash)}): {difference}")
    return keys


def _about_difference(track: Track, about: bytes | None) -> str:
    if about is None:
        return "no `about` in Redis"
    try:
        told = msgspec.json.decode(about, type=TrackAbout)
    except msgspec.MsgspecError as error:
        return f"`about` cannot be read: {error}"
    wanted = TrackAbout(track.name.decode(), track.plays, track.skips, track.finishes, track.transitions, track.weight)
    return "" if told == wanted else f"`about` is {told}, the fold gives {wanted}"


def _row_difference(track: Track, row: bytes | None) -> str:
    if row is None:
        return "no `row` in Redis"
    try:
        told = track_row(row)
    except BadRow as error:
        return str(error)
    wanted = {dst: (entry.weight, entry.n, entry.at_s) for dst, entry in track.table.items()}
    counts = (track.plays, track.skips, track.finishes, track.transitions, track.weight, track.duration_s)
    if told[:6] != counts:
        return f"`row` has {told[:6]}, the fold gives {counts} (plays, skips, finishes, transitions, weight, length)"
    if not isfinite(told.popular):
        return f"`row` has {told.popular} decayed plays"
    if told.table == wanted:
        return ""
    dst = min((told.table.items() ^ wanted.items()), key=lambda pair: pair[0])[0]
    return f"next-table differs at {hex_hash(dst)}: {told.table.get(dst)}, the fold gives {wanted.get(dst)}"
