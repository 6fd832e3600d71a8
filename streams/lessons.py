"""The body of a lessons section: fixed items of 64 bytes, features and label inside.

A lesson needs nothing else to be learned: no user row, no clock, no Redis. So a model is a fold of
its lessons, and a replay of the topic gives the same model.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from online_models.arrays import Items
from online_models.finish_features import N_FEATURES
from streams.sections import LESSONS, BadSection, Section, pack_section

LESSON: Final = np.dtype([("event_hash", "<u8"), ("weight", "<f4"), ("label", "<f4"), ("x", "<f4", (N_FEATURES,))])
"""64 bytes, little endian. `event_hash`: keyed hash of the event's id, for audits; `weight` = 1 / sampling rate; `label` 0 or 1."""


def pack_lessons(incarnation: str, source: int, first: int, lessons: Items) -> bytes:
    """One section of `lessons` (n,) of `LESSON`, numbered from `first`; n >= 1."""
    assert lessons.dtype == LESSON, "lessons are written in the wire's own type"
    return pack_section(incarnation, source, LESSONS, first, len(lessons), lessons.tobytes())


def read_lessons(section: Section) -> Items:
    """The lessons (n,) of a section, a view into its bytes.

    Raises `BadSection` when the section holds something else.
    """
    if section.kind != LESSONS or len(section.body) != section.n * LESSON.itemsize:
        raise BadSection(f"kind {section.kind} with {section.n} items in {len(section.body)} bytes is not {section.n} lessons")
    return np.frombuffer(section.body, LESSON)
