"""Numbered sections: how deltas and lessons travel, and how a receiver counts each item once.

A record's value is a row of sections, each a header and a body of `n` items in one format (`kind`).
Items are numbered one by one per (source partition, target), from 1, by the source's cursor. So a
source that crashed and cut its next round elsewhere sends the same items under the same numbers,
and the receiver needs one integer per source, its watermark, to take each item once.
(Offsets or record ids could not do that: a re-cut record has another range of items.)
"""

from __future__ import annotations

from collections.abc import Mapping
from struct import Struct
from typing import Final, NamedTuple

import msgspec

HEADER: Final = Struct("<8sHHqII")
"""incarnation (8 hex digits, ASCII), source partition, kind, number of the first item, n items, n bytes of the body."""

DELTAS: Final = 0
"""Kind: transitions and counts for track rows (`streams/deltas.py` owns the body)."""
LESSONS: Final = 1
"""Kind: lessons of a fixed size for one model (`streams/lessons.py` owns the body)."""
JSON_LESSONS: Final = 2
"""Kind: lessons for one model, a JSON object on each line (`streams/lessons.py` owns the body)."""

INCARNATION_BYTES: Final = 8


class Section(NamedTuple):
    """One numbered run of items; `body` is a view into the record's value, not a copy."""

    incarnation: str
    source: int
    kind: int
    first: int
    n: int
    body: memoryview

    @property
    def last(self) -> int:
        """Number of the last item."""
        return self.first + self.n - 1


class BadSection(ValueError):
    """The bytes are not a row of sections: a foreign producer, or our bug. See operations.md."""


class NumberGap(ValueError):
    """Items are missing between the watermark and this section: applying it would lose them."""

    def __init__(self, section: Section, watermark: int) -> None:
        self.source, self.first, self.watermark = section.source, section.first, watermark
        super().__init__(
            f"source partition {section.source} sent item {section.first} after {watermark} "
            f"(expected at most {watermark + 1}): {section.first - watermark - 1} items are missing; see operations.md, 'number gap'"
        )


def pack_section(incarnation: str, source: int, kind: int, first: int, n: int, body: bytes | memoryview) -> bytes:
    """The bytes of one section; concatenate several for one record.

    >>> [s.first for s in read_sections(pack_section("00c0ffee", 3, DELTAS, 17, 2, b"ab"))]
    [17]
    """
    mark = incarnation.encode("ascii")
    if len(mark) != INCARNATION_BYTES or first < 1 or n < 1:
        raise BadSection(f"incarnation {incarnation!r} must have 8 hex digits; first={first} and n={n} must be at least 1")
    return HEADER.pack(mark, source, kind, first, n, len(body)) + bytes(body)


def read_sections(value: bytes | memoryview) -> list[Section]:
    """All sections of a record's value, in order.

    Raises `BadSection` when the bytes do not end where the last section does.
    """
    view = memoryview(value)
    sections: list[Section] = []
    at, end = 0, len(view)
    while at < end:
        start = at + HEADER.size
        if start > end:
            raise BadSection(f"{end - at} bytes after the last section, a header has {HEADER.size}")
        mark, source, kind, first, n, n_bytes = HEADER.unpack_from(view, at)
        at = start + n_bytes
        if at > end or first < 1 or n < 1 or not mark.isalnum():
            raise BadSection(f"section at byte {start - HEADER.size}: source={source} kind={kind} first={first} n={n} bytes={n_bytes}")
        sections.append(Section(mark.decode("ascii"), source, kind, first, n, view[start:at]))
    return sections


def admit(section: Section, watermark: int) -> int:
    """How many leading items the receiver has already: 0 = all are new, `n` = none is.

    Parameters
    ----------
    watermark: number of the last item applied from this source; 0 = none.

    Raises `NumberGap` when the section starts beyond `watermark + 1`.

    >>> section = Section("00c0ffee", 0, DELTAS, 5, 3, memoryview(b""))
    >>> [admit(section, watermark) for watermark in (4, 5, 7, 99)]
    [0, 1, 3, 3]
    """
    drop = watermark + 1 - section.first
    if drop < 0:
        raise NumberGap(section, watermark)
    return min(drop, section.n)


def watermarks_of(cursor: Mapping[str, bytes]) -> dict[int, int]:
    """Of a cursor of tracks or of a model: source partition -> number of the last that was taken; {} before anything was.

    >>> watermarks_of({"wm": b'{"0":3}'}), watermarks_of({})
    ({0: 3}, {})
    """
    return msgspec.json.decode(cursor.get("wm", b"{}"), type=dict[int, int], strict=False)
