"""Lists and dead letters of an audit: what is owed is on its topic, and Redis holds the newest list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Final

import msgspec

from console.audit_read import Stored
from console.audit_report import AuditReport
from console.audit_users import SourceFold
from console.redis_door import State
from infra.settings import Settings
from streams import propensity
from streams.contract import Recommendation
from streams.short_lists import published

KEYS_AT_ONCE: Final = 400


class ListsAudit:
    """One partition of `recommendations` beside the fold of its events."""

    def __init__(self, settings: Settings, fold: SourceFold, report: AuditReport) -> None:
        self._fold, self._report = fold, report
        self._promise = report.promises["P4"]
        self._prefix = f"{fold.partition.incarnation[:4]}-{fold.partition.n}-"
        self._topic = f"{settings.namespace}.recommendations-{fold.partition.n}"
        self._decode = msgspec.json.Decoder(Recommendation).decode
        self._seen: dict[int, int] = {}
        """Offset of the cause -> hash of the list's bytes; of several, the last."""
        self._newest: dict[str, tuple[int, set[int]]] = {}
        self._last_word: dict[str, tuple[int, bool]] = {}
        """User -> (offset of the cause, is it a null) of the newest record, by cause as readers must see it."""
        self._holes = self._changed = 0
        self._next = 0

    def run(self, records: Iterable[Stored]) -> None:
        """Read every list, then say what is missing."""
        for record in records:
            # Compaction takes older lists of a user away, which is its purpose: holes in the offsets tell.
            self._holes += record.offset > self._next
            self._next = record.offset + 1
            user_id = (record.key or b"").decode("utf-8", "replace")
            if record.value is not None:
                self._one(record, user_id, record.value)
            else:
                ce_id = dict(record.headers).get("ce_id", b"")
                self._say(user_id, int(ce_id.rpartition(b"-")[2] or -1), is_null=True)
        self._report.lists += len(self._seen)
        self._missing()
        if self._changed:
            self._promise.note(f"{self._topic}: {self._changed} lists came again with other bytes, as after a Redis that went back")

    def _say(self, user_id: str, at: int, *, is_null: bool) -> None:
        if at >= self._last_word.get(user_id, (-1, False))[0]:
            self._last_word[user_id] = at, is_null

    def _one(self, record: Stored, user_id: str, value: bytes) -> None:
        try:
            told = self._decode(value)
        except msgspec.MsgspecError as error:
            self._promise.differ(f"{self._topic}@{record.offset}: {error}")
            return
        self._say(user_id, told.cause.offset, is_null=False)
        if not told.recommendation_id.startswith(self._prefix):
            return  # another incarnation's: written before a rebuild
        self._promise.look()
        at, digest = told.cause.offset, hash(value)
        due = self._fold.due.get(at)
        if at not in self._seen and (problem := self._problem(told, user_id, at)):
            self._promise.differ(f"{self._topic}@{record.offset}: {told.recommendation_id}: {problem}")
        self._finite(told, record.offset)
        self._changed += self._seen.get(at, digest) != digest
        self._seen[at] = digest
        if due is not None:
            held = self._newest.get(user_id)
            if held is None or at > held[0]:
                self._newest[user_id] = (at, {digest})
            elif at == held[0]:
                held[1].add(digest)

    def _problem(self, told: Recommendation, user_id: str, at: int) -> str:
        due = self._fold.due.get(at)
        if due is None:
            erased = self._fold.erased.get(user_id, -1)
            return "" if at < erased else f"no applied event stands at offset {at}"
        wanted = (due.user_id, due.user_id, due.event_id, f"{self._prefix}{at}")
        found = (user_id, told.user_id, told.cause.event_id, told.recommendation_id)
        return _likely(told) if found == wanted else f"it says {found}, expected {wanted} (key, user, event, id)"

    def _finite(self, told: Recommendation, offset: int) -> None:
        self._report.promises["P6"].look()
        for entry in (*told.next, *told.discover):
            if not (isfinite(entry.score) and isfinite(entry.propensity) and isfinite(entry.finish or 0.0)):
                self._report.promises["P6"].differ(
                    f"{self._topic}@{offset}: {entry.track_id} has {entry.score}, {entry.propensity}, {entry.finish}"
                )

    def _missing(self) -> None:
        owed = self._fold.newest.values() if self._holes else self._fold.due
        for at in owed:
            if at not in self._seen:
                due = self._fold.due[at]
                self._promise.differ(f"{self._topic}: no list of event {due.event_id!r} (user {due.user_id!r}, offset {at})")

    def against_redis(self, state: State) -> None:
        """Redis holds the newest list of every user (P4); the erased have nothing (P8)."""
        n = self._fold.partition.n
        users = [user for user, at in self._fold.newest.items() if at in self._seen]
        for start in range(0, len(users), KEYS_AT_ONCE):
            part = users[start : start + KEYS_AT_ONCE]
            for user, found in zip(part, state.hashes([state.keys.user(n, user) for user in part]), strict=True):
                at, digests = self._newest[user]
                self._promise.look()
                if at != self._fold.newest[user]:
                    self._promise.differ(
                        f"{user!r}: the newest list on the topic is of offset {at}, {self._fold.newest[user]} was expected"
                    )
                elif _digest(found.get("list", b"")) not in digests:
                    self._promise.differ(f"{state.keys.user(n, user)}: `list` is not the newest of the topic (offset {at})")
        self._erased(state)

    def _erased(self, state: State) -> None:
        promise = self._report.promises["P8"]
        gone = [user for user in self._fold.erased if user not in self._fold.newest]
        for user, found in zip(gone, state.hashes([state.keys.user(self._fold.partition.n, user) for user in gone]), strict=True):
            promise.look()
            if found:
                promise.differ(
                    f"{state.keys.user(self._fold.partition.n, user)} stands, and the user was erased at {self._fold.erased[user]}"
                )
            if self._last_word.get(user) != (self._fold.erased[user], True):
                promise.differ(f"{self._topic}: the newest record of {user!r}, who was erased, is not the null of the erasure")


def _likely(told: Recommendation) -> str:
    """Does every entry say how likely it was, as the pair says that it explored?"""
    if told.explore is None:
        wanted = [propensity.CERTAIN] * len(told.discover)
    else:
        drawn = propensity.of_drawn(told.explore.share, told.explore.candidates)
        best = propensity.of_best(told.explore.share)
        wanted = [drawn if place in told.explore.places else best for place in range(len(told.discover))]
    found = [entry.propensity for entry in told.discover]
    return "" if found == wanted else f"the propensities of discover are {found}, expected {wanted}"


def _digest(short: bytes) -> int | None:
    """Of the published bytes that a stored list stands for; None when it stands for none."""
    try:
        return hash(published(short))
    except msgspec.MsgspecError:
        return None


Letters = dict[tuple[int, int], list[Stored]]
"""(partition, offset) of a refused record -> its dead letters."""


def letters_by_place(records: Iterable[Stored]) -> Letters:
    """Sorts dead letters by the record that they are of."""
    found: Letters = {}
    for record in records:
        headers = dict(record.headers)
        try:
            place = int(headers["__dlq.errors.partition"]), int(headers["__dlq.errors.offset"])
        except (KeyError, ValueError):
            place = -1, record.offset
        found.setdefault(place, []).append(record)
    return found


def audit_letters(fold: SourceFold, letters: Letters, report: AuditReport) -> None:
    """Each refused record has its dead letter, as the record alone decides it (P5)."""
    promise, n = report.promises["P5"], fold.partition.n
    for at, wanted in fold.letters.items():
        promise.look()
        found = letters.pop((n, at), [])
        if not found:
            promise.differ(f"events {n}@{at} was refused and has no dead letter")
        for letter in found:
            if (letter.key, letter.value) != (wanted.key, wanted.value) or list(letter.headers) != list(wanted.headers):
                promise.differ(f"events {n}@{at}: its dead letter (offset {letter.offset}) is not made of it")
    for place in [place for place in letters if place[0] == n]:
        promise.differ(f"events {n}@{place[1]} has a dead letter, and was not refused")
        del letters[place]


def audit_erasures(fold: SourceFold, topic: Mapping[bytes | None, bytes | None], report: AuditReport) -> None:
    """Each user's newest erasure is on its topic, so that a rebuild publishes nothing of theirs (P8).

    Parameters
    ----------
    topic: key -> newest value
    """
    newest = {(record.key or b"").partition(b"-")[0]: record for record in fold.erasures}
    for record in newest.values():
        report.promises["P8"].look()
        if topic.get(record.key) != record.value:
            report.promises["P8"].differ(f"internal.erasures says {topic.get(record.key)!r} of {record.key!r}, the log {record.value!r}")
