"""The body of a lessons section: features and label inside, in the format of the model that they are for.

A lesson needs nothing else to be learned: no user row, no clock, no Redis. So a model is a fold of
its lessons, and a replay of the topic gives the same model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from online_models.arrays import Items
from online_models.lesson_formats import LESSON as LESSON
from online_models.lesson_formats import LISTENED as LISTENED
from online_models.lesson_formats import Format
from streams.sections import JSON_LESSONS, LESSONS, BadSection, Section, pack_section

KINDS: Final = {"fixed": LESSONS, "json": JSON_LESSONS}
"""A format's kind -> the section's."""


def pack_lessons(incarnation: str, source: int, first: int, lessons: Items) -> bytes:
    """One section of `lessons` (n,) of `LESSON` or `LISTENED`, numbered from `first`; n >= 1."""
    assert lessons.dtype in (LESSON, LISTENED), "lessons are written in the wire's own type"
    return pack_section(incarnation, source, LESSONS, first, len(lessons), lessons.tobytes())


def pack_json_lessons(incarnation: str, source: int, first: int, lessons: Sequence[bytes]) -> bytes:
    """One section of JSON objects, each on one line, numbered from `first`; at least one."""
    assert not any(b"\n" in lesson for lesson in lessons), "a lesson is one line"
    return pack_section(incarnation, source, JSON_LESSONS, first, len(lessons), b"\n".join(lessons))


def read_lessons(section: Section) -> Items:
    """The lessons (n,) of `LESSON` of a section, a view into its bytes.

    Raises `BadSection` when the section holds something else.
    """
    if section.kind != LESSONS or len(section.body) != section.n * LESSON.itemsize:
        raise BadSection(f"kind {section.kind} with {section.n} items in {len(section.body)} bytes is not {section.n} lessons")
    return np.frombuffer(section.body, LESSON)


def cut_lessons(section: Section, lessons: Format) -> Sequence[Any]:
    """The items of a section, for `lessons.read`.

    Raises `BadSection` when the section holds something else.
    """
    if section.kind != KINDS[lessons.kind]:
        raise BadSection(f"kind {section.kind} where lessons of kind {KINDS[lessons.kind]} are expected")
    try:
        return lessons.cut(section.body, section.n)
    except ValueError as error:
        raise BadSection(f"a section of {section.n} lessons: {error}") from error
