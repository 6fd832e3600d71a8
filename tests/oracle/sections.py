"""Numbered sections off the wire, and the judge's own watermark over them."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple, TypeVar

from tests.oracle.fold import Item, Lesson, Listened

HEADER = Struct("<8sHHqII")
DELTA = Struct("<qqIIIBBH")
LESSON = Struct("<Qff48x")
LISTENED = Struct("<QQQqf16xHBx")
DELTAS, LESSONS = 0, 1
Member = TypeVar("Member", Item, Lesson, Listened)


class Section(NamedTuple):
    """One run of numbered items of one source partition."""

    incarnation: str
    source: int
    kind: int
    first: int
    n: int
    body: bytes


class Malformed(ValueError):
    """Bytes that no section is made of."""


def sections_of(value: bytes) -> Iterator[Section]:
    """The sections of one record, in order."""
    at = 0
    while at < len(value):
        if at + HEADER.size > len(value):
            raise Malformed(f"{len(value) - at} bytes left, a header has {HEADER.size}")
        mark, source, kind, first, n, n_bytes = HEADER.unpack_from(value, at)
        at += HEADER.size
        if first < 1 or n < 1 or at + n_bytes > len(value):
            raise Malformed(f"section first={first} n={n} bytes={n_bytes} of {len(value) - at}")
        yield Section(mark.decode("ascii", "replace"), source, kind, first, n, value[at : at + n_bytes])
        at += n_bytes


def delta_items(section: Section) -> list[Item]:
    """The delta items of a section, each count item with its name."""
    end = section.n * DELTA.size
    name_at = end
    items: list[Item] = []
    if end > len(section.body):
        raise Malformed(f"{section.n} items need {end} bytes, {len(section.body)} are there")
    for src, dst, at_s, session, detail, lag, flags, name_len in DELTA.iter_unpack(section.body[:end]):
        items.append((src, dst, at_s, session, detail, lag, flags, section.body[name_at : name_at + name_len]))
        name_at += name_len
    if name_at != len(section.body):
        raise Malformed(f"{len(section.body) - name_at} bytes after the last name")
    return items


def lesson_items(section: Section) -> list[Lesson]:
    """Event hash and label of each lesson of a section."""
    if section.n * LESSON.size != len(section.body):
        raise Malformed(f"{section.n} lessons need {section.n * LESSON.size} bytes, {len(section.body)} are there")
    return [(event_hash, label) for event_hash, _, label in LESSON.iter_unpack(section.body)]


def listened_items(section: Section) -> list[Listened]:
    """What the log says of each listening lesson of a section."""
    if section.n * LISTENED.size != len(section.body):
        raise Malformed(f"{section.n} listening lessons need {section.n * LISTENED.size} bytes, {len(section.body)} are there")
    return [
        (event_hash, user, track, at_ms, source, ended)
        for event_hash, user, track, at_ms, _, source, ended in LISTENED.iter_unpack(section.body)
    ]


class Watermark:
    """What one target has taken from one source: every number once, the first copy counts."""

    def __init__(self) -> None:
        self.hashes = array("q")
        """Hash of item number i + 1."""
        self.repeats = self.repeats_changed = 0

    def new_of(self, first: int, items: list[Member]) -> list[Member] | None:
        """The items not seen before; None when numbers are missing before the first."""
        had = len(self.hashes)
        drop = had + 1 - first
        if drop < 0:
            return None
        for at, item in enumerate(items[:drop], first - 1):
            self.repeats += 1
            self.repeats_changed += hash(item) != self.hashes[at]
        fresh = items[drop:] if drop else items
        self.hashes.extend(map(hash, fresh))
        return fresh
