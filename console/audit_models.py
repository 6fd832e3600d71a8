"""The models' side of an audit: the lessons against the log, each model against the fold of its lessons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from console.audit_read import Topics
from console.audit_report import AuditReport, Promise
from console.audit_users import Stream, lessons_of
from console.redis_door import State
from infra.settings import Settings
from online_models.model import digest
from online_models.registry import MODELS, Entry
from streams.lessons import KINDS
from streams.model_fold import Fold
from streams.sections import LESSONS, NumberGap, admit, read_sections

REFOLD_S_MAX: Final = 80
"""CPU that learning a model's lessons again may take; beyond, numbers and cursors alone are compared, and a note says so."""


def audit_models(
    settings: Settings, topics: Topics, sent: Mapping[int, Mapping[int, Stream]], incarnation: str, state: State, report: AuditReport
) -> None:
    """Promise 7.

    Parameters
    ----------
    sent: partition of the lessons topic -> source partition -> the lessons that the log implies, of the models whose lessons follow from
        events
    """
    for entry in MODELS:
        if entry.partition >= settings.lessons_partitions:
            why = f"no partition {entry.partition}, SEGUE_LESSONS_PARTITIONS={settings.lessons_partitions}"
            report.promises["P7"].note(f"{entry.name}: {why}")
            continue
        there = _audit_numbers(settings, topics, entry, incarnation, report)
        if entry.follows_from_events:
            _audit_lessons(entry, sent.get(entry.partition, {}), there, report)
        _audit_model(settings, topics, entry, incarnation, state, report)


def _audit_numbers(settings: Settings, topics: Topics, entry: Entry, incarnation: str, report: AuditReport) -> dict[int, Stream]:
    """Are the lessons numbered without a hole? Returns them by source, where they are of a fixed size."""
    there: dict[int, Stream] = {}
    marks: dict[int, int] = {}
    for record in topics.read(f"{settings.namespace}.internal.lessons", entry.partition):
        for section in read_sections(record.value or b""):
            if section.incarnation != incarnation or section.kind != KINDS[entry.lessons.kind]:
                continue
            try:
                drop = admit(section, marks.get(section.source, 0))
            except NumberGap as gap:
                report.promises["P7"].differ(f"lessons of {entry.name}, offset {record.offset}: {gap}")
                continue
            marks[section.source] = max(section.last, marks.get(section.source, 0))
            if section.kind == LESSONS:
                there.setdefault(section.source, Stream()).add(lessons_of(section.body, section.n, entry.partition)[drop:])
    return there


def _audit_lessons(entry: Entry, sent: Mapping[int, Stream], there: Mapping[int, Stream], report: AuditReport) -> None:
    promise = report.promises["P7"]
    for source in sorted(sent.keys() | there.keys()):
        wanted, found = sent.get(source, Stream()).told(), there.get(source, Stream()).told()
        promise.look(wanted[0])
        report.lessons += wanted[0]
        if wanted != found:
            promise.differ(f"{entry.name}: events {source} imply {wanted[0]} lessons, the topic has {found[0]}, or others")


def _audit_model(settings: Settings, topics: Topics, entry: Entry, incarnation: str, state: State, report: AuditReport) -> None:
    promise = report.promises["P7"]
    cursor, manifest = state.hashes([state.keys.model_cursor(entry.name), state.keys.manifest(entry.name)])
    if not manifest:
        promise.note(f"{entry.name}: no snapshot yet")
        return
    for field in ("version", "next", "incarnation"):
        if cursor.get(field) != manifest.get(field):
            promise.differ(f"{entry.name}: cursor has {field} {cursor.get(field)!r}, the manifest {manifest.get(field)!r}")
    n_lessons = int(cursor.get("applied", 0))
    if n_lessons * entry.lesson_us > REFOLD_S_MAX * 1_000_000:
        promise.note(f"{entry.name}: {n_lessons} lessons are not learned again (at most {REFOLD_S_MAX} s of CPU)")
        return
    fold = Fold(entry, incarnation)
    _learn(fold, n_lessons, topics, f"{settings.namespace}.internal.lessons", entry.partition)
    _compare(fold, n_lessons, manifest, entry, promise)


def _learn(fold: Fold, n_lessons: int, topics: Topics, topic: str, partition: int) -> None:
    """The first `n_lessons` of the topic, also when the last of them lies inside a record."""
    if n_lessons == 0:
        return
    for record in topics.read(topic, partition):
        for _ in fold.record(record.offset, record.value, record.timestamp):
            if fold.counts.applied == n_lessons:
                return


def _compare(fold: Fold, n_lessons: int, manifest: Mapping[str, bytes], entry: Entry, promise: Promise) -> None:
    promise.look()
    if fold.counts.applied != n_lessons:
        promise.differ(f"{entry.name}: its cursor says {n_lessons} lessons, the topic holds {fold.counts.applied}")
    elif digest(fold.model.snapshot()).encode() != manifest.get("sha256"):
        promise.differ(f"{entry.name}: version {manifest.get('version')!r} is not what its {n_lessons} lessons make (sha256 differs)")
