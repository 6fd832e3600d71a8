"""What one partition of events implies: users, the items and lessons it sends, the lists and letters it owes.

A plain fold over the log, one record after the other, with no idea of chunks, workers or crashes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from xxhash import xxh3_64_intdigest as xxh3

from tests.oracle.letters import letter_hash
from tests.oracle.logs import Read
from tests.oracle.names import album_hash, artist_hash, id_hash, unsigned
from tests.oracle.people import BEFORE, FINISHED, GAPLESS, MADE, MADE_LAG, ON_ALBUM, SKIPPED, Life, User
from tests.oracle.records import Event, Rejected, judge_record

GAPLESS_S = 300
TAG = 0x9E3779B97F4A7C15
SESSION_TAG = 0xD6E8FEB86659FD93
HASH_MASK = (1 << 64) - 1

Item = tuple[int, int, int, int, int, int, int, bytes]
"""src (whose row changes), dst (of a count item the artist), at_s, session, length of the track in s (of a count item) or who
listened, lag, flags, name (of a count item). Of an item flagged MADE or ON_ALBUM src is an artist
or an album, dst a track of theirs that was played."""
Lesson = tuple[int, float]
"""Hash (xxh3) of the event's id, label."""
Listened = tuple[int, int, int, int, int, int]
"""Of a play of a sampled user, or of an erasure: hash (xxh3) of the event's id, keyed hashes of user and track, at_ms, source, how it
ended (0 nobody can say, 1 broken off, 2 heard out, 3 an erasure)."""


class Due(NamedTuple):
    """A list that must be on the topic: which event asked for it, in which life of its user."""

    user_id: str
    event_id: str
    life: Life


class Sum:
    """A multiset boiled down to its size and the sum of its members' hashes: equal sets, equal sums."""

    __slots__ = ("n", "total")

    def __init__(self) -> None:
        self.n = self.total = 0

    def add(self, member: Item | Lesson | Listened) -> None:
        """Put one member in."""
        self.n += 1
        self.total = (self.total + hash(member)) & HASH_MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sum) and (self.n, self.total) == (other.n, other.total)

    __hash__ = None  # type: ignore[assignment]


class Rules(NamedTuple):
    """What a fold must know beside the log."""

    partition: int
    n_events: int
    n_deltas: int
    id_key: str
    lessons_rate: float
    passed_over: frozenset[int]
    """Offsets that a verdict took out (topic `internal.verdicts`)."""
    half: int
    """Offset in the middle of the log: tracks before it are known to everybody in the last quarter."""
    listening_rate: float = 1.0


class PartitionFold:
    """The state after a whole partition of events."""

    def __init__(
        self, rules: Rules, on_item: Callable[[int, Item], None] | None = None, on_lesson: Callable[[Lesson], None] | None = None
    ) -> None:
        self.rules = rules
        self.users: dict[str, User] = {}
        self.due: dict[int, Due] = {}
        self.asked: dict[int, tuple[str, str, int, str]] = {}
        """Offset of a question -> user, id of the event, how many tracks, which one it starts from."""
        self.rejected: dict[int, tuple[int, str]] = {}
        """Offset -> (hash of key, value and headers, why)."""
        self.records = self.applied = self.duplicates = self.private = self.plays = 0
        self.next = 0
        """Offset after the last readable record."""
        self.half_tracks: set[str] = set()
        """Tracks played in the first half of the log."""
        self.made_by: dict[str, int] = {}
        """Track -> hash of the artist that every counted play of it named; 0 = not every play, or not the same."""
        self.items = [Sum() for _ in range(rules.n_deltas)]
        self.lessons = Sum()
        self.listened = Sum()
        self._on_item, self._on_lesson = on_item, on_lesson

    def run(self, log: Iterable[Read]) -> PartitionFold:
        """Fold every record of the partition."""
        for read in log:
            self.records += 1
            self.next = read.offset + 1
            self._one(read)
        return self

    def _one(self, read: Read) -> None:
        rules = self.rules
        event = judge_record(read, rules.partition, rules.n_events)
        if not isinstance(event, Rejected) and read.offset in rules.passed_over:
            event = Rejected("handler")
        if isinstance(event, Rejected):
            self.rejected[read.offset] = (letter_hash(read), event.reason)
            return
        if event.type == "radio":
            self.asked[read.offset] = event.user_id, event.event_id, event.n, event.track_id
        user = self.users.get(event.user_id)
        if user is None:
            user = self.users[event.user_id] = User()
        if user.knows(event):
            self.duplicates += 1
        elif event.private or (event.type == "play" and user.paused):
            self.private += 1
        else:
            self.applied += 1
            self._apply(read.offset, user, event)

    def _apply(self, offset: int, user: User, event: Event) -> None:
        if event.type == "erase":
            self._listen(event, 0, 3)
            user.erase(offset)
            return
        user.remember(event)
        if event.type == "play":
            self._play(offset, user, event)
        else:
            user.decide(offset, event, self._subject(event))
        user.look(offset, event.at_ms)
        user.newest = offset
        self.due[offset] = Due(event.user_id, event.event_id, user.life)

    def _subject(self, event: Event) -> int:
        """Hash of what a decision is about; 0 = of nothing that has one."""
        if event.artist is not None:
            return artist_hash(event.artist, self.rules.id_key)
        return id_hash(event.track_id, self.rules.id_key) if event.track_id else 0

    def _play(self, offset: int, user: User, event: Event) -> None:
        self.plays += 1
        if offset < self.rules.half:
            self.half_tracks.add(event.track_id)
        track = id_hash(event.track_id, self.rules.id_key)
        album = album_hash(event.artist or "", event.album or "", self.rules.id_key)
        flags, before = user.play(offset, event, track, album)
        at_s = event.at_ms // 1000
        session, person = (0, 0) if before is None else tags(user)
        artist = artist_hash(event.artist or "", self.rules.id_key)
        self.made_by[event.track_id] = artist if self.made_by.get(event.track_id, artist) == artist else 0
        if artist and not flags & SKIPPED:
            self._send((artist, track, at_s, 0, 0, MADE_LAG, MADE, b""))
        if album and not flags & SKIPPED:
            self._send((album, track, at_s, 0, 0, MADE_LAG, ON_ALBUM, b""))
        self._send((track, artist, at_s, session, (event.duration_ms or 0) // 1000, 0, flags, event.track_id.encode()))
        for lag, (src, src_at_s) in enumerate(before or (), 1):
            told = flags | (GAPLESS if at_s - src_at_s < GAPLESS_S else 0)
            self._send((src, track, at_s, session, person, lag, told, b""))
            self._send((track, src, at_s, session, person, lag, told | BEFORE, b""))
        self._teach(event, flags)
        self._listen(event, track, (2 if flags & FINISHED else 1) if _end_is_known(event) else 0)

    def _send(self, item: Item) -> None:
        target = unsigned(item[0]) % self.rules.n_deltas
        self.items[target].add(item)
        if self._on_item is not None:
            self._on_item(target, item)

    def _listen(self, event: Event, track: int, ended: int) -> None:
        """All plays of a sampled user; the hash of the user's id decides."""
        user = unsigned(id_hash(event.user_id, self.rules.id_key))
        if user * 2.0**-64 < self.rules.listening_rate:
            event_hash = xxh3(event.event_id.encode()) or 1
            self.listened.add((event_hash, user, unsigned(track), event.at_ms, self.rules.partition, ended))

    def _teach(self, event: Event, flags: int) -> None:
        """A play with a known end is a lesson; which ones are sent, the id decides."""
        if not _end_is_known(event):
            return
        event_hash = xxh3(event.event_id.encode()) or 1
        if event_hash * 2.0**-64 < self.rules.lessons_rate:
            lesson = (event_hash, 1.0 if flags & FINISHED else 0.0)
            self.lessons.add(lesson)
            if self._on_lesson is not None:
                self._on_lesson(lesson)


def _end_is_known(event: Event) -> bool:
    return event.reason_end == "trackdone" or (event.ms_played is not None and (event.duration_ms or 0) > 0)


def tags(user: User) -> tuple[int, int]:
    """32 bits that name the user's session, of which the upper 16 name the user too, and 32 that name the user."""
    first, session = user.first_at * TAG & HASH_MASK, (xxh3(user.session.encode()) or 1) if user.session else 0
    mixed = ((first ^ session) + user.sessions) * SESSION_TAG & HASH_MASK
    return first >> 48 << 16 | mixed >> 48 | 1, first >> 32 | 1
