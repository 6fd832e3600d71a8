"""A small world that is right: topics and Redis as workers would leave them, written by the rules alone.

It exists to be tampered with: the oracle must pass it whole, and find each single change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from random import Random
from struct import pack
from typing import Any

import msgspec
import redis
from confluent_kafka import Producer

from console.chaos_load import Load, Sent
from infra import topics
from infra.settings import Settings
from tests.oracle.fold import Item, Lesson, PartitionFold, Rules
from tests.oracle.logs import Read, Topics
from tests.oracle.names import Names, hex_hash, id_hash
from tests.oracle.people import MADE, ON_ALBUM, User
from tests.oracle.rows import FILTER_BYTES, KINDS, TRACK_VERSION, VERSION
from tests.oracle.sections import DELTA, DELTAS, HEADER, LESSON, LESSONS
from tests.oracle.tables import Track

INCARNATION = "c0ffee42"
LENGTH = 20


class ReferenceWorld:
    """Builds the world of one seed in one namespace."""

    def __init__(self, kafka: str, redis_url: str, namespace: str, *, seed: int = 1, n_records: int = 1_500, now_ms: int) -> None:
        self.settings = msgspec.structs.replace(
            Settings(), namespace=namespace, kafka=kafka, redis=redis_url, events_partitions=4, deltas_partitions=3, lessons_partitions=1
        )
        self.names = Names(namespace)
        self.redis = redis.Redis.from_url(redis_url)
        self.rng = Random(seed)
        self.n_records, self.now_ms = n_records, now_ms
        self.folds: list[PartitionFold] = []
        self.sent_items: list[list[list[Item]]] = []
        """[source][target] in order of their numbers."""
        self._producer = Producer({"bootstrap.servers": kafka, "partitioner": "murmur2_random", "linger.ms": 5, "log_level": 0})

    def build(self) -> ReferenceWorld:
        """Write everything."""
        topics.apply(self.settings)
        load = Load(self.rng.randrange(1 << 30), self.now_ms, users=60, tracks=150, partitions=4)
        self.produce("events", islice(load.records(), self.n_records - 3))
        # One user is erased for good, one comes back.
        self.produce("events", [_event("u1", type="erase"), _event("u2", type="erase"), _event("u2", track_id="t1", played_at=self.now_ms)])
        self.store(self.names.meta, {"incarnation": INCARNATION})
        with Topics(self.settings.kafka) as logs:
            for partition in range(4):
                self._source(logs, partition)
        self._deltas()
        self._lessons()
        return self

    def produce(self, topic: str, records: Iterable[Sent]) -> None:
        """Append records and wait until they are acknowledged."""
        failures: list[object] = []
        for sent in records:
            while True:
                try:
                    self._producer.produce(
                        f"{self.settings.namespace}.{topic}",
                        sent.value,
                        sent.key,
                        partition=sent.partition,
                        headers=list(sent.headers),
                        on_delivery=lambda error, _: failures.append(error) if error else None,
                    )
                    break
                except BufferError:
                    self._producer.poll(0.1)
        self._producer.flush(30)
        assert not failures, failures

    def store(self, key: str, fields: Mapping[str, Any]) -> None:
        """Set fields of a hash in Redis."""
        mapping: dict[Any, Any] = dict(fields)
        self.redis.hset(key, mapping=mapping)

    def records(self, topic: str, partition: int) -> list[Read]:
        """What stands in a partition."""
        with Topics(self.settings.kafka) as logs:
            return list(logs.read(f"{self.settings.namespace}.{topic}", partition))

    def _source(self, logs: Topics, partition: int) -> None:
        items: list[list[Item]] = [[] for _ in range(3)]
        rules = Rules(partition, 4, 3, self.settings.id_key, 1.0, frozenset(), self.n_records // 8)
        reads = list(logs.read(self.names.events, partition))
        fold = PartitionFold(rules, lambda target, item: items[target].append(item)).run(reads)
        self.folds.append(fold)
        self.sent_items.append(items)
        self.produce("dead-letters", [_letter(read, partition, self.names) for read in reads if read.offset in fold.rejected])
        self._erasures(fold)
        newest = self._lists(fold)
        for user_id, user in fold.users.items():
            if user.newest >= 0:
                key = self.names.user(partition, user_id)
                self.store(key, {"about": _about(user_id, user), "row": _user_row(user), "list": short_of(newest[user_id])})
        counts = {"applied": fold.applied, "duplicate": fold.duplicates, "rejected": len(fold.rejected), "private": fold.private}
        cursor = {"token": "t", "next": fold.next, "incarnation": INCARNATION, **counts}
        self.store(self.names.user_cursor(partition), cursor)

    def _lists(self, fold: PartitionFold) -> dict[str, bytes]:
        """Every due list on the topic, some of them twice, and nulls for the erased; the newest of each user."""
        partition = fold.rules.partition
        tracks = sorted({track for due in fold.due.values() for track in due.life.first_played})
        newest: dict[str, bytes] = {}
        sent: list[tuple[int, Sent]] = []
        for offset, due in fold.due.items():
            played = {track for track, first in due.life.first_played.items() if first <= offset}
            free = [track for track in tracks if track not in due.life.hidden_at(offset)]
            value = msgspec.json.encode(
                {
                    "recommendation_id": f"{INCARNATION[:4]}-{partition}-{offset}",
                    "user_id": due.user_id,
                    "at": self.now_ms,
                    "cause": {"event_id": due.event_id, "partition": partition, "offset": offset},
                    "next": [_entry(track, sorted(played)[:1]) for track in free[:LENGTH]],
                    "discover": [_entry(track, []) for track in [t for t in free if t not in played][:LENGTH]],
                    "model": {"ranker": "none", "finish": None},
                }
            )
            newest[due.user_id] = value
            sent += [(offset, Sent(due.user_id.encode(), value, partition=partition))] * (2 if offset % 17 == 0 else 1)
        for name, user in fold.users.items():
            if user.erased_at >= 0:
                ce_id = f"{INCARNATION[:4]}-{partition}-{user.erased_at}".encode()
                sent.append((user.erased_at, Sent(name.encode(), None, (("ce_id", ce_id),), partition)))
        self.produce("recommendations", [record for _, record in sorted(sent, key=lambda pair: pair[0])])
        return newest

    def _erasures(self, fold: PartitionFold) -> None:
        partition, key = fold.rules.partition, self.settings.id_key
        gone = [(hex_hash(id_hash(name, key)), user.erased_at) for name, user in fold.users.items() if user.erased_at >= 0]
        records = [Sent(f"{name}-{at}".encode(), msgspec.json.encode([name, partition, at]), partition=0) for name, at in gone]
        self.produce("internal.erasures", records)

    def _deltas(self) -> None:
        for target in range(3):
            tracks: dict[int, Track] = {}
            artists: dict[int, Track] = {}
            albums: dict[int, Track] = {}
            values: list[bytes] = []
            at = [0] * 4
            while any(at[source] < len(self.sent_items[source][target]) for source in range(4)):
                values.append(b"".join(self._cut(source, target, at, (tracks, artists, albums)) for source in range(4)))
            self.produce("internal.track-deltas", [Sent(None, value, partition=target) for value in values])
            for track in tracks.values():
                self.store(self.names.track(target, track.name.decode()), {"about": _track_about(track), "row": track_row_bytes(track)})
            for artist, made in artists.items():
                about = msgspec.json.encode({"artist": hex_hash(artist), "plays": made.plays})
                self.store(self.names.artist(target, artist), {"about": about, "row": track_row_bytes(made)})
            for album, made in albums.items():
                about = msgspec.json.encode({"album": hex_hash(album), "plays": made.plays})
                self.store(self.names.album(target, album), {"about": about, "row": track_row_bytes(made)})
            marks = {source: len(self.sent_items[source][target]) for source in range(4)}
            cursor: dict[str, Any] = {
                "token": "t",
                "next": len(values),
                "incarnation": INCARNATION,
                "applied": sum(marks.values()),
                "skipped": 0,
            }
            self.store(self.names.track_cursor(target), cursor | {"wm": msgspec.json.encode({str(s): n for s, n in marks.items()})})

    def _cut(self, source: int, target: int, at: list[int], rows: Sequence[dict[int, Track]]) -> bytes:
        """The next section of a source, beginning at times before where the last one ended; `rows` of tracks, artists and albums grow."""
        tracks, artists, albums = rows
        items = self.sent_items[source][target]
        back = min(at[source], self.rng.randrange(4))
        end = min(len(items), at[source] + self.rng.randrange(60))
        for item in items[at[source] : end]:
            (artists if item[6] & MADE else albums if item[6] & ON_ALBUM else tracks).setdefault(item[0], Track()).take(item)
        first, at[source] = at[source] - back, end
        return delta_section(source, first + 1, items[first:end]) if end > first else b""

    def _lessons(self) -> None:
        """The lessons of all partitions, and a model that took them all."""
        values, marks = [], {}
        for fold in self.folds:
            lessons = self._lessons_of(fold)
            marks[fold.rules.partition] = len(lessons)
            if lessons:
                values.append(lesson_section(fold.rules.partition, 1, lessons))
        self.produce("internal.lessons", [Sent(None, value, partition=0) for value in values])
        total = sum(marks.values())
        common: dict[str, Any] = {"version": 1, "next": len(values), "incarnation": INCARNATION}
        wm = msgspec.json.encode({str(source): number for source, number in marks.items()})
        self.store(self.names.model("finish", "cursor"), {**common, "token": "t", "wm": wm, "applied": total})
        self.store(self.names.model("finish", "manifest"), {**common, "parts": b'[["line",4]]', "sha256": "?"})
        self.redis.set(self.names.model("finish", "part:1:0"), b"line")

    def _lessons_of(self, fold: PartitionFold) -> list[Lesson]:
        lessons: list[Lesson] = []
        again = PartitionFold(fold.rules, on_lesson=lessons.append)
        again.run(self.records("events", fold.rules.partition))
        return lessons


def _event(user_id: str, **fields: object) -> Sent:
    body = {"event_id": f"{user_id}-{fields.get('type', 'play')}", "user_id": user_id, **fields}
    return Sent(user_id.encode(), msgspec.json.encode(body))


def delta_section(source: int, first: int, items: Sequence[Item]) -> bytes:
    """One section of delta items numbered from `first`."""
    body = b"".join(DELTA.pack(*item[:7], len(item[7])) for item in items) + b"".join(item[7] for item in items)
    return HEADER.pack(INCARNATION.encode(), source, DELTAS, first, len(items), len(body)) + body


def lesson_section(source: int, first: int, lessons: Sequence[Lesson]) -> bytes:
    """One section of lessons numbered from `first`."""
    body = b"".join(LESSON.pack(event_hash, 1.0, label) for event_hash, label in lessons)
    return HEADER.pack(INCARNATION.encode(), source, LESSONS, first, len(lessons), len(body)) + body


def track_row_bytes(track: Track) -> bytes:
    """The binary row of a track."""
    n, v, near, visits = len(track.near), len(track.visits), track.near, track.visits
    head = (track.plays, track.skips, track.finishes, track.followed, track.preceded, 0, track.duration_s, track.artist)
    floats = (*track.totals, *track.vector)
    columns = (*(e.dst for e in near), *(c for e in near for c in e.counts), *(e.at_s for e in near), *(e.person for e in near))
    rings = (*(visit.session for visit in visits), *(short for visit in visits for short in visit.after))
    people = len(track.listeners)
    layout = f"<BxHHH8qd72f{n}q{8 * n}f{n}I{n}I{v}I{10 * v}H{people}H"
    return pack(layout, TRACK_VERSION, people, n, v, *head, 0.0, *floats, *columns, *rings, *track.listeners)


def _user_row(user: User) -> bytes:
    history, marks, hidden = user.history, user.marks.kept, user.marks.filter
    counts = (user.plays, user.skips, user.finishes, user.first_at, user.last_at, 0, user.session_plays, user.sessions)
    lengths = (len(history), 0, 0, len(marks), 0, user.paused, user.last_forgotten, hidden.n)
    plays = [(play.track, play.at_s, play.event, play.flags) for play in history]
    decided = [(mark.track, mark.event, mark.until_s, KINDS.index(mark.kind)) for mark in marks]
    pure = pack("<16q", *counts, *lengths) + _columns(plays) + _columns(decided)
    pure += bytes(256 if user.plays > len(history) else 0) + (hidden.bits.to_bytes(FILTER_BYTES, "little") if hidden.n else b"")
    pure += pack("<q", user.album) if user.album else b""
    return pack("<BB2xI", VERSION, bool(user.album), len(pure)) + pure + pack("<q7fBB", 0, *[0.0] * 7, 0, 0)


def _columns(rows: Sequence[Sequence[int]]) -> bytes:
    """Rows of four numbers, of 8, 4, 4 and 1 bytes, number by number."""
    return b"".join(pack(f"<{len(rows)}{code}", *(row[k] for row in rows)) for k, code in enumerate("qIIB"))


def _entry(track_id: str, because: list[str]) -> dict[str, Any]:
    return {"track_id": track_id, "score": 0.5, "source": "popular", "because": because, "propensity": 1.0}


def short_of(value: bytes) -> bytes:
    """A published pair as Redis holds it."""
    lists = msgspec.json.decode(value)
    following, discover = lists["next"], lists["discover"]
    lists["next"] = [_short(entry) for entry in following]
    lists["discover"] = [following.index(entry) if entry in following else _short(entry) for entry in discover]
    return msgspec.json.encode(lists)


def _short(entry: dict[str, Any]) -> list[Any]:
    return [entry["track_id"], entry["score"], entry["source"], entry["because"]]


def _about(user_id: str, user: User) -> bytes:
    names = ("plays", "skips", "finishes", "last_track", "last_at", "session_plays", "sessions", "first_at")
    return msgspec.json.encode({"user_id": user_id, **{name: getattr(user, name) for name in names}})


def _track_about(track: Track) -> bytes:
    names = ("plays", "skips", "finishes", "followed", "preceded")
    return msgspec.json.encode({"track_id": track.name.decode(), **{name: getattr(track, name) for name in names}})


def _letter(read: Read, partition: int, names: Names) -> Sent:
    told = {"topic": names.events, "partition": str(partition), "offset": str(read.offset), "reason": "schema", "message": "bad"}
    headers = [(name, value or b"") for name, value in read.headers]
    headers += [(f"__dlq.errors.{name}", value.encode()) for name, value in told.items()]
    return Sent(read.key, read.value, tuple(headers), partition)
