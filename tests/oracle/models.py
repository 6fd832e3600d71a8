"""Judges the lessons: numbered without a hole, as many as the log implies, and taken by the model as its cursor says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from tests.oracle.fold import Sum
from tests.oracle.logs import Read
from tests.oracle.names import Names
from tests.oracle.redis_reads import Keyspace
from tests.oracle.sections import LESSONS, Malformed, Section, Watermark, lesson_items, sections_of
from tests.oracle.verdict import Findings

MODELS = (("finish", 0), ("counts", 3), ("segments", 4))
"""Name and lessons partition of each model that learns from plays."""


Items = Callable[[Section], list[Any]]


class LessonLog:
    """One model's lessons topic, each number taken once; `items` reads a section of it."""

    def __init__(self, n_sources: int, incarnation: str, next_: int, items: Items = lesson_items) -> None:
        self.sums = [Sum() for _ in range(n_sources)]
        self.marks = [Watermark() for _ in range(n_sources)]
        self.end = 0
        self.lowest: list[int] = [0] * n_sources
        """Watermarks that a model standing at `next` has at least: everything before that record."""
        self.highest: list[int] = [0] * n_sources
        """At most: that record included, which it may have half learned."""
        self._incarnation = incarnation
        self._next = next_
        self._items = items

    def run(self, log: Iterable[Read], findings: Findings) -> None:
        """Take every section of this incarnation."""
        for read in log:
            self.end = read.offset + 1
            try:
                self._record(read)
            except Malformed as error:
                findings.fault("lessons_wrong", f"lessons @{read.offset}: {error}")
            taken = [len(mark.hashes) for mark in self.marks]
            if read.offset < self._next:
                self.lowest = taken
            if read.offset <= self._next:
                self.highest = taken

    def _record(self, read: Read) -> None:
        for section in sections_of(read.value or b""):
            if section.incarnation != self._incarnation:
                continue
            if section.kind != LESSONS or section.source >= len(self.marks):
                raise Malformed(f"kind {section.kind} from source {section.source}")
            mark = self.marks[section.source]
            fresh = mark.new_of(section.first, self._items(section))
            if fresh is None:
                raise Malformed(f"source {section.source} goes from {len(mark.hashes)} to {section.first}")
            for lesson in fresh:
                self.sums[section.source].add(lesson)


def judge_lessons(name: str, lessons: LessonLog, implied: Sequence[Sum], findings: Findings) -> None:
    """Is what stands on the topic, each number once, what the log implies?"""
    for source, (seen, wanted) in enumerate(zip(lessons.sums, implied, strict=True)):
        findings.seen("lessons", seen.n)
        if seen != wanted:
            message = f"{name}: source {source} sent {seen.n} lessons, the log implies {wanted.n}, or others"
            findings.fault("lessons_wrong", message, max(abs(seen.n - wanted.n), 1))
        changed = lessons.marks[source].repeats_changed
        if changed:
            findings.fault("lessons_wrong", f"{name}: {changed} lessons of source {source} came again as others", changed)


def judge_model(name: str, lessons: LessonLog, names: Names, keyspace: Keyspace, incarnation: str, findings: Findings) -> list[str]:
    """Do cursor, manifest and parts of one model fit each other and the lessons? Returns the keys that may stand."""
    cursor, manifest = keyspace.hash(names.model(name, "cursor")), keyspace.hash(names.model(name, "manifest"))
    keys = [names.model(name, what) for what in ("cursor", "manifest", "serving", "pending")]
    total = sum(len(mark.hashes) for mark in lessons.marks)
    if not cursor:
        findings.seen("lessons_untaken", total)
        return keys
    marks = msgspec.json.decode(cursor.get("wm", b"{}"), type=dict[int, int], strict=False)
    taken = [marks.get(source, 0) for source in range(len(lessons.marks))]
    findings.seen("lessons_untaken", total - sum(taken))
    at = int(cursor["next"])
    for source, (low, mark, high) in enumerate(zip(lessons.lowest, taken, lessons.highest, strict=True)):
        if not low <= mark <= high:
            message = f"{name}: at offset {at} it took {mark} lessons of source {source}, the topic gives {low} to {high}"
            findings.fault("lessons_wrong", message, max(low - mark, mark - high))
    if int(cursor.get("applied", b"0")) != sum(taken) or cursor["incarnation"].decode() != incarnation or at > lessons.end:
        findings.fault("lessons_wrong", f"{name}: cursor {_shown(cursor)}, {sum(taken)} lessons by its watermarks, log end {lessons.end}")
    return keys + _judge_manifest(name, cursor, manifest, names, keyspace, findings)


def _judge_manifest(
    name: str, cursor: Mapping[str, bytes], manifest: Mapping[str, bytes], names: Names, keyspace: Keyspace, findings: Findings
) -> list[str]:
    if not manifest:
        if int(cursor.get("version", b"0")):
            findings.fault("lessons_wrong", f"{name}: version {cursor['version']!r} in the cursor, and no manifest")
        return []
    for field in ("version", "next", "incarnation"):
        if manifest.get(field) != cursor.get(field):
            findings.fault("lessons_wrong", f"{name}: manifest has {field} {manifest.get(field)!r}, the cursor {cursor.get(field)!r}")
    parts = msgspec.json.decode(manifest["parts"], type=list[tuple[str, int]])
    keys = [names.model(name, f"part:{manifest['version'].decode()}:{n}") for n in range(len(parts))]
    for key, (part, n_bytes) in zip(keys, parts, strict=True):
        if len(keyspace.text(key) or b"") != n_bytes:
            findings.fault("lessons_wrong", f"{key} ({part}) has not the {n_bytes} bytes that the manifest names")
    return keys


def _shown(cursor: Mapping[str, bytes]) -> dict[str, str]:
    return {field: value.decode() for field, value in cursor.items() if field != "token"}
