"""Answers of an audit: every question below an answers worker's cursor has one, under the id that follows from where it lies."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite

import msgspec

from console.audit_read import Stored
from console.audit_report import AuditReport
from console.audit_users import SourceFold
from streams.answering import answer_id
from streams.contract import Answer

_decode = msgspec.json.Decoder(Answer).decode


def audit_answers(fold: SourceFold, first: int, answers: Iterable[Stored], cursor: dict[str, bytes], report: AuditReport) -> None:
    """One partition of `answers` beside the questions among its events.

    Parameters
    ----------
    first: the oldest offset of the topic; above 0 retention has taken answers, and none is missed then.
    cursor: of the answers worker; {} = there never was one.
    """
    promise = report.promises["P9"]
    incarnation, n = fold.partition.incarnation, fold.partition.n
    found: set[int] = set()
    for record in answers:
        answer = _decode(record.value or b"")
        offset = answer.cause.offset
        asked = fold.asked.get(offset)
        if not answer.answer_id.startswith(f"radio-{incarnation[:4]}-"):
            continue  # of another life of the namespace
        if asked != (answer.user_id, answer.cause.event_id) or answer.answer_id != answer_id(incarnation, n, offset):
            promise.differ(f"{record.topic}-{n}@{record.offset}: {answer.answer_id} answers no question of {answer.user_id!r}")
        report.promises["P6"].look(len(answer.entries))
        if not all(isfinite(step.score) and isfinite(step.near) for step in answer.entries):
            report.promises["P6"].differ(f"{answer.answer_id} holds a number that is not finite")
        found.add(offset)
    next_ = int(cursor.get("next", b"0"))
    due = [offset for offset in fold.asked if offset < next_]
    promise.look(len(due))
    if first > 0:
        promise.note(f"answers-{n} begins at offset {first}: what retention took is not missed")
        return
    for offset in due:
        user_id, event_id = fold.asked[offset]
        # Whoever was erased behind the question may have been gone before it was read.
        if offset not in found and fold.erased.get(user_id, -1) < offset:
            promise.differ(f"{answer_id(incarnation, n, offset)}, the answer to {event_id!r} of {user_id!r}, is not on its topic")
