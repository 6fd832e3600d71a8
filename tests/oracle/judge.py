"""Reads one namespace whole, topics first, and says what of it is not as the log implies."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

import msgspec

from tests.oracle.answers import judge_answers
from tests.oracle.fold import Item, PartitionFold, Rules, Sum
from tests.oracle.letters import Letters, judge_letters, read_letters
from tests.oracle.lists import ListsJudge, Shown, judge_artists
from tests.oracle.logs import LogTooShort, Topics
from tests.oracle.models import MODELS, LessonLog, judge_lessons, judge_model
from tests.oracle.names import Names
from tests.oracle.redis_reads import Keyspace
from tests.oracle.sections import delta_items, lesson_items, listened_items, sections_of
from tests.oracle.tracks import Deltas, judge_items, judge_rows
from tests.oracle.users import judge_cursor, judge_erased, judge_users
from tests.oracle.verdict import Findings, Verdict

Progress = Callable[[str], None]


def _silent(_: str) -> None:
    """Nobody is told."""


def judge(
    kafka: str,
    redis_url: str,
    namespace: str,
    *,
    id_key: str = "segue",
    lessons_rate: float = 1.0,
    listening_rate: float = 1.0,
    rewound: bool = False,
    progress: Progress = _silent,
) -> Verdict:
    """Judge a namespace whose workers are done: everything readable was read, nothing is under way.

    Parameters
    ----------
    kafka : bootstrap servers
    redis_url : URL of Redis
    id_key, lessons_rate, listening_rate : the workers' settings of these names
    rewound : Redis was flushed or rolled back while the workers ran. Lists of an earlier incarnation may then
        stand on the topic, and a list that was made again may have other bytes; nothing else is forgiven.
    progress : told each step

    Raises
    ------
    SilentBroker, KafkaException, RedisError : the services are not well; nothing was judged
    LogTooShort : retention took the beginning of the events
    """
    started = time.perf_counter()
    with Topics(kafka) as topics, Keyspace(redis_url) as keyspace:
        court = Court(topics, keyspace, Names(namespace), id_key, (lessons_rate, listening_rate), rewound, progress)
        court.sit()
    return court.findings.verdict(court.incarnation, time.perf_counter() - started)


class Court:
    """One judgement: the steps in order, and what they leave for each other."""

    def __init__(
        self, topics: Topics, keyspace: Keyspace, names: Names, id_key: str, rates: tuple[float, float], rewound: bool, progress: Progress
    ) -> None:
        self.topics, self.keyspace, self.names = topics, keyspace, names
        self.id_key, self.rates, self.rewound, self.progress = id_key, rates, rewound, progress
        self.findings = Findings()
        self.incarnation = keyspace.hash(names.meta).get("incarnation", b"").decode()
        self.n_events = topics.partitions(names.events)
        self.n_deltas = topics.partitions(names.deltas)
        self.passed_over = self._verdicts()
        self.erasures = self._erasures()
        self.items: list[list[Sum]] = []
        """[source][target]"""
        self.lessons: list[Sum] = []
        self.listened: list[Sum] = []
        self.allowed: set[str] = set()
        """Keys of users and tracks that the log accounts for."""
        self.shown: list[Shown] = []
        self.made_by: dict[str, int] = {}

    def sit(self) -> None:
        """Judge everything."""
        letters = self._letters()
        for partition in range(self.n_events):
            self._source(partition, letters)
        judge_artists(self.shown, self.made_by, self.findings)
        for target in range(self.n_deltas):
            self._target(target)
        for name, partition in MODELS:
            if partition < self.topics.partitions(self.names.lessons):
                self._model(name, partition)
        self._keys()

    def _verdicts(self) -> dict[int, set[int]]:
        """Records that a verdict took out: partition -> offsets."""
        found: dict[int, set[int]] = {}
        for at in range(self.topics.partitions(self.names.verdicts)):
            for read in self.topics.read(self.names.verdicts, at):
                if read.key is not None and read.value is not None:
                    partition, _, offset = read.key.decode().partition("-")
                    found.setdefault(int(partition), set()).add(int(offset))
        return found

    def _erasures(self) -> dict[str, int]:
        """Hash of an erased user -> offset of the newest erasure on the topic, wherever on it: a zombie's older one may follow."""
        held: dict[bytes, bytes] = {}
        for at in range(self.topics.partitions(self.names.erasures)):
            for read in self.topics.read(self.names.erasures, at):
                if read.value is None:
                    held.pop(read.key or b"", None)
                else:
                    held[read.key or b""] = read.value
        found: dict[str, int] = {}
        for key, value in held.items():
            user, _, offset = msgspec.json.decode(value, type=tuple[str, int, int])
            if key != f"{user}-{offset}".encode():
                self.findings.fault(
                    "erased_wrong", f"{self.names.erasures}: the key of {value!r} is {key!r}, which another erasure may replace"
                )
            found[user] = max(offset, found.get(user, -1))
        return found

    def _letters(self) -> Letters:
        self.progress("dead letters")
        topic = self.names.dead_letters
        logs = (self.topics.read(topic, partition) for partition in range(self.topics.partitions(topic)))
        return read_letters(logs, self.names.events, self.findings)

    def _rules(self, partition: int) -> Rules:
        low, high = self.topics.bounds(self.names.events, partition)
        if low > 0:
            raise LogTooShort(f"{self.names.events}/{partition} begins at offset {low}")
        passed_over = frozenset(self.passed_over.get(partition, ()))
        return Rules(partition, self.n_events, self.n_deltas, self.id_key, self.rates[0], passed_over, (low + high) // 2, self.rates[1])

    def _source(self, partition: int, letters: Letters) -> None:
        """One partition of events: its fold against cursor, lists, letters and users."""
        self.progress(f"events {partition} of {self.n_events}")
        names, findings = self.names, self.findings
        fold = PartitionFold(self._rules(partition)).run(self.topics.read(names.events, partition))
        self._count(fold)
        self.items.append(fold.items)
        self.lessons.append(fold.lessons)
        self.listened.append(fold.listened)
        end = self.topics.bounds(names.events, partition)[1]
        judge_cursor(fold, self.keyspace.hash(names.user_cursor(partition)), end, self.incarnation, findings)
        judge_letters(partition, fold.rejected, letters, findings)
        lists = ListsJudge(fold, self.incarnation, findings, rewound=self.rewound)
        lists.run(self.topics.read(names.recommendations, partition))
        self.shown += lists.shown
        for track, artist in fold.made_by.items():
            self.made_by[track] = artist if self.made_by.get(track, artist) == artist else 0
        self.allowed.update(judge_users(fold, lists.newest, names, self.keyspace, findings))
        if partition < self.topics.partitions(names.answers):
            answers = self.topics.read(names.answers, partition)
            judge_answers(fold, answers, self.keyspace.hash(names.answers_cursor(partition)), self.incarnation, findings)
        judge_erased(fold, lists.last_word, self.erasures, names, self.keyspace, findings)

    def _count(self, fold: PartitionFold) -> None:
        found = {
            "records": fold.records,
            "plays": fold.plays,
            "duplicates": fold.duplicates,
            "rejected": len(fold.rejected),
            "private": fold.private,
        }
        for what, n in found.items():
            self.findings.seen(what, n)

    def _target(self, target: int) -> None:
        """One partition of deltas: its items against the log, its fold against the tracks' rows."""
        self.progress(f"deltas {target} of {self.n_deltas}")
        deltas = Deltas(target, self.n_events, self.incarnation, self.findings)
        deltas.run(self.topics.read(self.names.deltas, target))
        sums = [items[target] for items in self.items]
        judge_items(deltas, sums, self._expected_items, lambda source: self._topic_items(target, source), self.findings)
        deltas.judge_cursor(self.keyspace.hash(self.names.track_cursor(target)), self.topics.bounds(self.names.deltas, target)[1])
        self.allowed.update(judge_rows(deltas, self.names, self.keyspace, self.findings))

    def _expected_items(self, source: int, target: int) -> Counter[Item]:
        """What one partition of events sends to one target: a second fold, for words about a difference."""
        items: Counter[Item] = Counter()
        fold = PartitionFold(self._rules(source), lambda to, item: items.update([item] if to == target else []))
        fold.run(self.topics.read(self.names.events, source))
        return items

    def _topic_items(self, target: int, source: int) -> Counter[Item]:
        """What the topic holds of one source, each number once."""
        items: Counter[Item] = Counter()
        last = 0
        for read in self.topics.read(self.names.deltas, target):
            for section in sections_of(read.value or b""):
                if (section.incarnation, section.source) == (self.incarnation, source):
                    items.update(delta_items(section)[max(last + 1 - section.first, 0) :])
                    last = max(last, section.first + section.n - 1)
        return items

    def _model(self, name: str, partition: int) -> None:
        self.progress(f"lessons of {name}")
        at = int(self.keyspace.hash(self.names.model(name, "cursor")).get("next", b"0"))
        of_plays = name == "finish"
        lessons = LessonLog(self.n_events, self.incarnation, at, lesson_items if of_plays else listened_items)
        lessons.run(self.topics.read(self.names.lessons, partition), self.findings)
        judge_lessons(name, lessons, self.lessons if of_plays else self.listened, self.findings)
        judge_model(name, lessons, self.names, self.keyspace, self.incarnation, self.findings)

    def _keys(self) -> None:
        """No user, no track, no artist and no album stands in Redis that the log does not account for."""
        self.progress("keys")
        namespace = self.names.namespace
        for side, kind in (("u", "user"), ("t", "track"), ("t", "artist"), ("t", "album")):
            pattern = f"{namespace}:{{{side}*}}:{kind}:*"
            for key in sorted(set(self.keyspace.keys(pattern)) - self.allowed):
                self.findings.fault("keys_unknown", f"{key} stands in Redis, and the log has nothing of it")
