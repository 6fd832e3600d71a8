"""One model as a fold of its lessons partition: bytes in, a changed model out. No store, no clock.

The state is the model, one watermark per source and a few counts; together with an offset it says
exactly which lessons were learned, at every step, also in the middle of a record.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from online_models.answers import encode_answer
from online_models.lesson_formats import Heard
from online_models.model import BadLesson, Registered, Telling
from online_models.registry import Entry
from streams.contract import Decision
from streams.lessons import cut_lessons
from streams.model_decisions import champion_changed, happened
from streams.sections import BadSection, NumberGap, Section, admit, read_sections

UNSEEN: Final = -1
"""`origin` of a fold that has read no record yet."""


class Counts(msgspec.Struct):
    """What happened to the lessons read so far; fields of the model's cursor."""

    applied: int = 0
    """Lessons taken under their number: learned or refused."""
    refused: int = 0
    """Of those, lessons that taught nothing because a value was not finite or out of range."""
    skipped: int = 0
    """Lessons that had been taken before: a source sent them again."""
    foreign: int = 0
    """Lessons of another incarnation."""
    missing: int = 0
    """Numbers that the log no longer held when this fold began to read it."""
    asked: int = 0
    """Of those taken, lessons without a label: the model was asked, and learned nothing."""
    malformed: int = 0
    """Records that are no lessons."""


class Fold:
    """The lessons of one incarnation, learned in the order of their log.

    Parameters
    ----------
    entry: which model learns, and how its lessons are read.
    incarnation: sections of another one are passed over.
    model: restored together with the arguments that follow; None = a fresh one.
    watermarks: source partition -> number of its last lesson taken.
    origin: offset of the first record this fold read; `UNSEEN` before that.
    accept_gap: count missing lessons and go on, where an operator allowed it.
    """

    def __init__(
        self,
        entry: Entry,
        incarnation: str,
        *,
        model: Registered | None = None,
        watermarks: dict[int, int] | None = None,
        counts: Counts | None = None,
        origin: int = UNSEEN,
        accept_gap: bool = False,
    ) -> None:
        self.entry = entry
        self.model = model if model is not None else entry.kind()
        self.incarnation = incarnation
        self.watermarks = watermarks if watermarks is not None else {}
        self.counts = counts if counts is not None else Counts()
        self.origin = origin
        self.accept_gap = accept_gap
        self.last_refusal = ""
        self.answers: dict[str, bytes | None] = {}
        """Since the caller last took them, by what a lesson is about: what the model said by itself or where there was no label, None where
        one came."""
        self.decided: list[Decision] = []
        """What the model decided since the caller last took it away."""

    def record(self, offset: int, value: bytes | None, at_ms: int = 0) -> Iterator[None]:
        """Learn one record's new lessons; yields after each, where state and `offset` belong together.

        `at_ms`: the record's append time, for decisions after lessons that name no time of their own.
        Raises `NumberGap` when a source's lessons are missing: going on would lose them in silence.
        """
        if self.origin == UNSEEN:
            self.origin = offset
        for section, items in self._sections(value):
            if section.incarnation != self.incarnation:
                self.counts.foreign += section.n
                continue
            yield from self._section(section, items, at_ms)

    def _sections(self, value: bytes | None) -> list[tuple[Section, Sequence[Any]]]:
        # A foreign producer's bytes are counted and passed over; if they stood where lessons should
        # have been, the next section's number tells.
        try:
            return [(section, cut_lessons(section, self.entry.lessons)) for section in read_sections(value or b"")]
        except BadSection as error:
            self.counts.malformed += 1
            self.last_refusal = str(error)
            return []

    def _section(self, section: Section, items: Sequence[Any], at_ms: int) -> Iterator[None]:
        drop = self._admit(section)
        self.counts.skipped += drop
        for number, item in enumerate(items[drop:], section.first + drop):
            self._lesson(item, at_ms)
            self.watermarks[section.source] = number
            yield

    def _admit(self, section: Section) -> int:
        watermark = self.watermarks.get(section.source, 0)
        try:
            return admit(section, watermark)
        except NumberGap:
            # Retention may have taken the log's beginning before this fold started over; a source's
            # first section then names any number. Later a hole is a hole.
            began_late = self.origin > 0 and section.source not in self.watermarks
            if not (began_late or self.accept_gap):
                raise
            self.counts.missing += section.first - watermark - 1
            return 0

    def _lesson(self, item: Any, at_ms: int) -> None:
        self.counts.applied += 1
        before = self.model.champion
        try:
            heard = self.entry.lessons.read(item)
            if heard.lesson.y is None:
                self._asked(heard)
                return
            self.model.learn_one(*heard.lesson)
        except BadLesson as error:
            self.counts.refused += 1
            self.last_refusal = str(error)
            return
        if isinstance(self.model, Telling):
            self._told(self.model, heard.at_ms or at_ms)
        elif heard.about:
            self._settle(heard.about, None)
        if self.model.champion != before:
            self._crowned(before, heard.at_ms or at_ms)

    def _asked(self, heard: Heard) -> None:
        self.counts.asked += 1
        answer = encode_answer(self.model.predict_one(heard.lesson.x), self.model.n_lessons)
        if heard.about and answer is not None:
            self._settle(heard.about, answer)

    def _told(self, model: Telling, at_ms: int) -> None:
        news = model.take_news()
        for about, answer in news.about.items():
            self._settle(about, answer)
        self.decided += [happened(self.incarnation, self.entry.name, self.counts.applied, at_ms, it) for it in news.happened]

    def _settle(self, about: str, answer: bytes | None) -> None:
        # Taken out first, so that the last word also stands last.
        self.answers.pop(about, None)
        self.answers[about] = answer

    def _crowned(self, before: str, at_ms: int) -> None:
        after = self.model.champion
        losses = {name: value for name, value in self.model.scores().items() if name in (f"log_loss_{before}", f"log_loss_{after}")}
        detail = {"from": before, "to": after, "lessons": self.model.n_lessons, **losses}
        self.decided.append(champion_changed(self.incarnation, self.entry.name, self.counts.applied, at_ms, detail))
