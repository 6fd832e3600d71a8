"""The topic of answers against the questions of the log: each has one id, and nobody is told of who was erased before."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite

import msgspec

from tests.oracle.fold import PartitionFold
from tests.oracle.logs import Read
from tests.oracle.verdict import Findings


class Cause(msgspec.Struct):
    event_id: str
    partition: int
    offset: int


class Entry(msgspec.Struct):
    track_id: str
    score: float
    near: float


class Answer(msgspec.Struct):
    answer_id: str
    user_id: str
    cause: Cause
    entries: list[Entry]
    error: dict[str, str] | None = None


_decode = msgspec.json.Decoder(Answer).decode


def judge_answers(fold: PartitionFold, reads: Iterable[Read], cursor: dict[str, bytes], incarnation: str, findings: Findings) -> None:
    """One partition. `cursor` is the answers worker's, {} where there was none."""
    partition, seen = fold.rules.partition, set[int]()
    for read in reads:
        answer = _decode(read.value or b"")
        at = answer.cause.offset
        if not answer.answer_id.startswith(f"radio-{incarnation[:4]}-"):
            continue
        wrong = _wrong(fold, answer, read, f"radio-{incarnation[:4]}-{partition}-{at}")
        if wrong:
            findings.fault("answers_wrong", f"answers/{partition}@{read.offset}: {answer.answer_id} {wrong}")
        seen.add(at)
    findings.seen("answers", len(seen))
    next_ = int(cursor.get("next", b"0")) if cursor.get("incarnation", b"").decode() == incarnation else 0
    for at, asked in fold.asked.items():
        gone = fold.users[asked[0]].erased_at > at
        if at < next_ and at not in seen and not gone:
            findings.fault("answers_missing", f"answers/{partition}: nothing answers {asked[1]!r} of {asked[0]!r} at offset {at}")


def _wrong(fold: PartitionFold, answer: Answer, read: Read, right_id: str) -> str:
    """What is wrong with an answer; "" = nothing."""
    asked = fold.asked.get(answer.cause.offset)
    if asked is None or asked[:2] != (answer.user_id, answer.cause.event_id):
        return "answers no question"
    if answer.answer_id != right_id or read.key != answer.user_id.encode():
        return f"should be {right_id}, keyed by its user"
    tracks = [entry.track_id for entry in answer.entries]
    if len(set(tracks)) < len(tracks) or len(tracks) > asked[2] or asked[3] in tracks:
        return f"repeats a track, begins with its start, or has more than {asked[2]}"
    if answer.error is not None and tracks:
        return "has entries and an error"
    if not all(isfinite(entry.score) and isfinite(entry.near) for entry in answer.entries):
        return "holds a number that is not finite"
    return ""
