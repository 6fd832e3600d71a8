"""`segue audit`: reads the topics whole again, recomputes everything, and compares with Redis.

The recomputation is the product's own pure code, cut elsewhere than any worker cut it. (A judge that shares
nothing with the product stands in `tests/oracle/`.) Workers may run; producers must pause, because a
cursor that moves while it is audited would be a difference.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from console.audit_answers import audit_answers
from console.audit_lists import Letters, ListsAudit, audit_erasures, audit_letters, letters_by_place
from console.audit_models import audit_models
from console.audit_read import Stored, Topics
from console.audit_report import AuditReport, new_report
from console.audit_tracks import TargetFold, audit_target
from console.audit_users import Kept, SourceFold, Stream, plays_of
from console.cursors import drain
from console.output import say
from console.redis_door import State
from console.trouble import Exit, Trouble
from infra.settings import Settings
from streams.partitions import OUTCOMES
from streams.sections import DELTAS, LESSONS
from streams.user_rows import pure_part
from streams.verdicts import read as verdicts_of

KEYS_AT_ONCE: Final = 400

Progress = Callable[[str], None]


def audit(settings: Settings, progress: Progress = say) -> AuditReport:
    """Every promise, on the namespace of `settings`.

    Raises
    ------
    Trouble : Kafka or Redis is away (exit 4); nothing was ever started here, or events keep coming (exit 1)
    """
    started_s = time.monotonic()
    state = State(settings)
    try:
        with Topics(settings) as topics:
            report = Audit(settings, topics, state, progress).run()
    finally:
        state.close()
    report.seconds = round(time.monotonic() - started_s, 1)
    return report


class Audit:
    """One audit; each partition is done before the next begins, so that memory stays flat."""

    def __init__(self, settings: Settings, topics: Topics, state: State, progress: Progress) -> None:
        self._settings, self._topics, self._state, self._progress = settings, topics, state, progress
        self._report = new_report(settings.namespace)
        meta = state.hashes([state.keys.meta()])[0]
        if "incarnation" not in meta:
            raise Trouble(
                Exit.FAILURE, f"no worker ever ran for namespace {settings.namespace!r} ({state.keys.meta()} is missing)", "segue up"
            )
        self._incarnation = meta["incarnation"].decode()
        self._deltas: list[dict[int, Stream]] = [{} for _ in range(settings.deltas_partitions)]
        self._lessons: dict[int, dict[int, Stream]] = {}
        """By partition of the lessons topic and source."""
        self._n_made = 0

    def run(self) -> AuditReport:
        """Sources, then targets, then models."""
        drain(self._state, lambda left: self._progress(f"waiting for {left} records to be applied") if left else None)
        before = self._cursors()
        letters = self._letters()
        self._verdicts = verdicts_of(record.value for record in self._all("internal.verdicts"))
        self._erasures = {record.key: record.value for record in self._all("internal.erasures")}
        for partition in range(self._settings.events_partitions):
            self._progress(f"events {partition + 1} of {self._settings.events_partitions}")
            self._source(partition, letters)
        for target in range(self._settings.deltas_partitions):
            self._progress(f"track deltas {target + 1} of {self._settings.deltas_partitions}")
            fold = TargetFold(self._settings, self._topics, target, self._incarnation)
            fold.run()
            audit_target(fold, self._deltas[target], self._state, self._report)
        self._progress("lessons and models")
        audit_models(self._settings, self._topics, self._lessons, self._incarnation, self._state, self._report)
        # Items are counts, one per play, what tells artists and albums of their tracks, and transitions.
        self._report.transitions -= self._report.plays + self._n_made
        if self._cursors() != before:
            raise Trouble(Exit.FAILURE, "events were applied while they were audited: let producers pause, then audit", "segue audit")
        return self._report

    def _cursors(self) -> list[bytes]:
        keys = [self._state.keys.user_cursor(p) for p in range(self._settings.events_partitions)]
        return [cursor.get("next", b"") for cursor in self._state.hashes(keys)]

    def _letters(self) -> Letters:
        return letters_by_place(self._all("dead-letters"))

    def _all(self, topic: str) -> Iterator[Stored]:
        """Every record of a topic that has as many partitions as events."""
        for partition in range(self._settings.events_partitions):
            yield from self._topics.read(f"{self._settings.namespace}.{topic}", partition)

    def _source(self, partition: int, letters: Letters) -> None:
        first, _ = self._topics.bounds(f"{self._settings.namespace}.events", partition)
        if first > 0:
            why = f"events partition {partition} begins at offset {first}: retention took what state was made of"
            raise Trouble(Exit.FAILURE, f"{why}, so it cannot be recomputed", "segue doctor")
        fold = SourceFold(self._settings, partition, self._incarnation, self._verdicts)
        fold.run(self._topics.read(f"{self._settings.namespace}.events", partition))
        self._report.plays += fold.n_plays
        self._n_made += fold.n_made
        for (kind, target), stream in fold.streams.items():
            if kind == DELTAS:
                self._deltas[target][partition] = stream
            elif kind == LESSONS:
                self._lessons.setdefault(target, {})[partition] = stream
        self._blame(self._counts(fold), self._users(fold))
        audit_letters(fold, letters, self._report)
        lists = ListsAudit(self._settings, fold, self._report)
        lists.run(self._topics.read(f"{self._settings.namespace}.recommendations", partition))
        lists.against_redis(self._state)
        audit_erasures(fold, self._erasures, self._report)
        topic, cursor = f"{self._settings.namespace}.answers", self._state.hashes([self._state.keys.answers_cursor(partition)])[0]
        first, _ = self._topics.bounds(topic, partition)
        audit_answers(fold, first, self._topics.read(topic, partition), cursor, self._report)

    def _blame(self, by_counters: tuple[int, int], by_users: tuple[int, int]) -> None:
        """Add (lost, double) of one partition: counters and users tell of the same plays, so the larger counts."""
        self._report.lost += max(by_counters[0], by_users[0])
        self._report.double += max(by_counters[1], by_users[1])

    def _counts(self, fold: SourceFold) -> tuple[int, int]:
        """P1: the counters add up to the log. P5: and nothing below `next` is left out. Returns (lost, double)."""
        key = self._state.keys.user_cursor(fold.partition.n)
        cursor = self._state.hashes([key])[0]
        wanted = dict(zip(OUTCOMES, fold.partition.counts, strict=True))
        told = {name: int(cursor.get(name, b"0")) for name in OUTCOMES}
        self._report.promises["P1"].look(fold.n_records)
        if told != wanted:
            self._report.promises["P1"].differ(f"{key} counts {told}, the log has {wanted}")
        self._report.promises["P5"].look(fold.n_records)
        if int(cursor.get("next", b"0")) < fold.partition.next:
            self._report.promises["P5"].differ(
                f"{key} stands at {cursor.get('next')!r}, the log has records up to {fold.partition.next - 1}"
            )
        missing = wanted["applied"] - told["applied"]
        return max(0, missing), max(0, -missing)

    def _users(self, fold: SourceFold) -> tuple[int, int]:
        """P2: each user's hash is what the fold gives. Returns (lost, double)."""
        keys = [key for key, kept in fold.kept.items() if kept is not None]
        lost = double = 0
        for start in range(0, len(keys), KEYS_AT_ONCE):
            part = keys[start : start + KEYS_AT_ONCE]
            for key, found in zip(part, self._state.hashes(part), strict=True):
                kept = fold.kept[key]
                assert kept is not None, "erased users are left out"
                by = self._user(key, kept, found)
                lost, double = lost + max(0, -by), double + max(0, by)
        return lost, double

    def _user(self, key: str, kept: Kept, found: Mapping[str, bytes]) -> int:
        """Compares one user; returns how many plays Redis has too many."""
        promise = self._report.promises["P2"]
        promise.look()
        wanted = plays_of(kept.about)
        told = plays_of(found["about"]) if "about" in found else 0
        if told != wanted:
            promise.differ(f"{key}: {told} plays in Redis, {wanted} in the log")
        elif found.get("about") != kept.about:
            promise.differ(f"{key}: `about` is {found.get('about')!r}, the fold gives {kept.about!r}")
        elif "row" not in found or pure_part(found["row"]) != pure_part(kept.row):
            promise.differ(f"{key}: the pure part of `row` is not the fold of the log")
        return told - wanted
