"""One user as the contract tells it: what each of their events changes, in plain Python."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from xxhash import xxh3_64_intdigest as xxh3

from tests.oracle.marks import Mark, Marks
from tests.oracle.records import Event

EVENT_IDS = 32
IMPORT_SOURCES = 4
SESSION_GAP_MS = 30 * 60 * 1000
WINDOW = 10
HISTORY = 100
SKIP_MS = 30_000
SKIPPED, FINISHED, GAPLESS, BEFORE, MADE, ON_ALBUM = 1, 2, 4, 8, 16, 32
MADE_LAG = 255
TAG_MASK = 0xFFFFFFFF


class Played(NamedTuple):
    """One play of the history."""

    track: int
    """Hash of the id."""
    track_id: str
    at_s: int
    event: int
    """Low 32 bits of the hash of the event's id."""
    flags: int
    """SKIPPED, FINISHED or 0; of a skip also, 16 times, the sixteenths of half the track that were heard."""


class Life:
    """What one user did between two erasures: enough to judge the lists shown in that time."""

    __slots__ = ("first_played", "forgotten", "hidden", "hidden_artists", "over")

    def __init__(self) -> None:
        self.first_played: dict[str, int] = {}
        """Track -> offset of its first play."""
        self.hidden: list[tuple[int, frozenset[str]]] = []
        """(offset, tracks that a list from here on must not hold): where it changed."""
        self.hidden_artists: list[tuple[int, frozenset[int]]] = []
        """(offset, hashes of artists whose tracks it must not hold)."""
        self.forgotten: dict[str, list[tuple[int, int]]] = {}
        """Track -> (from, to) offsets between which no play of it is remembered; to -1 = to the end."""
        self.over = False
        """Ended by an erasure: its lists may or may not have been published."""

    def hidden_at(self, offset: int) -> frozenset[str]:
        """Tracks that a list caused by `offset` must not hold."""
        return next((hidden for since, hidden in reversed(self.hidden) if since <= offset), frozenset())

    def hidden_artists_at(self, offset: int) -> frozenset[int]:
        """Hashes of artists of whom a list caused by `offset` must hold no track."""
        return next((hidden for since, hidden in reversed(self.hidden_artists) if since <= offset), frozenset())

    def remembers(self, track_id: str, offset: int) -> bool:
        """Is there a play of the track by `offset` that was not forgotten? Of forgotten tracks only."""
        return not any(since <= offset and (to < 0 or offset < to) for since, to in self.forgotten.get(track_id, ()))


class User:
    """One user's state after some prefix of the log."""

    __slots__ = (
        "album",
        "blocked_artists",
        "decided",
        "erased_at",
        "event_ids",
        "finishes",
        "first_at",
        "history",
        "imports",
        "last_at",
        "last_forgotten",
        "last_track",
        "life",
        "marks",
        "newest",
        "paused",
        "plays",
        "session",
        "session_plays",
        "sessions",
        "skips",
    )

    def __init__(self) -> None:
        self.erased_at = -1
        """Offset of the newest erasure, -1 = never."""
        self.begin()

    def begin(self) -> None:
        """Be a user nobody has seen."""
        self.plays = self.skips = self.finishes = self.sessions = 0
        self.first_at = self.last_at = 0
        self.last_track: str | None = None
        self.album = 0
        """Hash of the album that the newest play named; 0 = none, or the play was forgotten."""
        self.session_plays = 0
        self.session: str | None = None
        self.last_forgotten = False
        self.paused = False
        self.history: list[Played] = []
        """Plays that were not late, newest last; at most HISTORY."""
        self.event_ids: deque[str] = deque(maxlen=EVENT_IDS)
        self.imports: dict[str, int] = {}
        self.marks = Marks()
        self.decided: dict[str, int] = {}
        """Every track that was ever decided about -> its hash."""
        self.blocked_artists: set[int] = set()
        """Hash of every artist that was ever blocked."""
        self.life = Life()
        self.newest = -1
        """Offset of the newest event that owes a list, -1 = none: the user has no row."""

    def erase(self, offset: int) -> None:
        """Forget everything; a later play starts a new user."""
        self.life.over = True
        self.begin()
        self.erased_at = offset

    def knows(self, event: Event) -> bool:
        """Was this event counted before?"""
        if event.event_id in self.event_ids:
            return True
        return event.source is not None and event.source in self.imports and event.row <= self.imports[event.source]

    def remember(self, event: Event) -> None:
        """Note the event's id and, of an import, its row."""
        self.event_ids.append(event.event_id)
        if event.source is None:
            return
        if event.source not in self.imports and len(self.imports) == IMPORT_SOURCES:
            del self.imports[next(iter(self.imports))]
        self.imports[event.source] = event.row

    def decide(self, offset: int, event: Event, track: int) -> None:
        """Whatever is neither a play nor an erasure; `track` is the hash of the track or the artist that it names, if it names one."""
        tag, at_ms = tag_of(event.event_id), event.at_ms
        if event.artist is not None:
            self.blocked_artists.add(track)
            if event.type == "block":
                self.marks.add(Mark("block artist", track, tag, event.until_s), at_ms)
            else:
                self.marks.unblock(track, tag, at_ms, "block artist")
        elif event.type in {"like", "dislike", "block"}:
            self.decided[event.track_id] = track
            self.marks.add(Mark(event.type, track, tag, event.until_s), at_ms)
        elif event.type == "unblock":
            self.marks.unblock(track, tag, at_ms)
        elif event.type == "undo":
            self.marks.undo(tag_of(event.target))
            self._forget(offset, [play.event == tag_of(event.target) for play in self.history])
        elif event.type == "forget":
            tag = tag_of(event.target) if event.target else -1
            self._forget(offset, [play.event == tag or (bool(event.track_id) and play.track == track) for play in self.history])
        elif event.type != "radio":
            self.paused = event.type == "pause"

    def _forget(self, offset: int, gone: list[bool]) -> None:
        """Take plays out of history and session; all counts stay."""
        if gone and gone[-1]:
            self.last_forgotten, self.last_track, self.album = True, None, 0
        kept = [play for play, out in zip(self.history, gone, strict=True) if not out]
        for track_id in {play.track_id for play in self.history} - {play.track_id for play in kept}:
            self.life.forgotten.setdefault(track_id, []).append((offset, -1))
        self.session_plays -= sum(gone[len(gone) - self._held() :])
        self.history = kept

    def _held(self) -> int:
        """Plays of the session that the history holds."""
        return min(len(self.history), self.session_plays)

    def look(self, offset: int, at_ms: int) -> None:
        """Note for the judge what a list that answers an event of `at_ms` must not hold."""
        hidden = frozenset(name for name, track in self.decided.items() if self.marks.hides(track, at_ms))
        if hidden != self.life.hidden_at(offset):
            self.life.hidden.append((offset, hidden))
        artists = frozenset(artist for artist in self.blocked_artists if self.marks.hides(artist, at_ms))
        if artists != self.life.hidden_artists_at(offset):
            self.life.hidden_artists.append((offset, artists))

    def play(self, offset: int, event: Event, track: int, album: int) -> tuple[int, list[tuple[int, int]] | None]:
        """Count one play of the track and the album with these hashes.

        Returns its flags, and the plays before it in the session, newest first (None = late).
        """
        flags = flags_of(event)
        late = self.plays > 0 and event.at_ms < self.last_at
        if self.plays == 0:
            self.first_at = event.at_ms
        self.plays += 1
        self.skips += flags == SKIPPED
        self.finishes += flags == FINISHED
        self.life.first_played.setdefault(event.track_id, offset)
        if late:
            return flags, None
        if not self._goes_on(event):
            self.sessions += 1
            self.session_plays = 0
        held = self._held()
        before = [(play.track, play.at_s) for play in reversed(self.history[len(self.history) - min(held, WINDOW) :])]
        self.session_plays += 1
        kept = flags | heard_of(event) << 4 if flags == SKIPPED else flags
        self.history = [*self.history, Played(track, event.track_id, event.at_ms // 1000, tag_of(event.event_id), kept)][-HISTORY:]
        self.session, self.last_at, self.last_track, self.last_forgotten = event.session_id, event.at_ms, event.track_id, False
        self.album = album
        intervals = self.life.forgotten.get(event.track_id)
        if intervals and intervals[-1][1] < 0:
            intervals[-1] = intervals[-1][0], offset
        return flags, before

    def _goes_on(self, event: Event) -> bool:
        if self.session_plays == 0 or event.session_id != self.session:
            return False
        return event.session_id is not None or event.at_ms - self.last_at < SESSION_GAP_MS


def tag_of(event_id: str) -> int:
    """Low 32 bits of the hash of an event's id."""
    return (xxh3(event_id.encode()) or 1) & TAG_MASK


def heard_of(skip: Event) -> int:
    """Sixteenths of half the track that were heard; of unknown length, of 30 s."""
    assert skip.ms_played is not None, "a skip was heard for some time"
    return min(15, 32 * skip.ms_played // (skip.duration_ms or 2 * SKIP_MS))


def flags_of(event: Event) -> int:
    """SKIPPED, FINISHED or 0; without `ms_played` a play is neither, unless it ran to its end."""
    if event.reason_end == "trackdone":
        return FINISHED
    if event.ms_played is None:
        return 0
    known = event.duration_ms is not None and event.duration_ms > 0
    duration = event.duration_ms or 0
    if known and 10 * event.ms_played >= 9 * duration:
        return FINISHED
    if event.ms_played < SKIP_MS and (not known or 2 * event.ms_played < duration):
        return SKIPPED
    return 0
