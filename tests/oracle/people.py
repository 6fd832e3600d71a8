"""One user as the contract tells it: what a play, a block and an erasure change, in plain Python."""

from __future__ import annotations

from collections import deque

from tests.oracle.records import Event

EVENT_IDS = 32
IMPORT_SOURCES = 4
BLOCKS = 32
SESSION_GAP_MS = 30 * 60 * 1000
WINDOW = 10
HISTORY = 100
SKIP_MS = 30_000
SKIPPED, FINISHED, GAPLESS, BEFORE = 1, 2, 4, 8


class Life:
    """What one user did between two erasures: enough to judge the lists shown in that time."""

    __slots__ = ("blocked", "first_played", "over")

    def __init__(self) -> None:
        self.first_played: dict[str, int] = {}
        """Track -> offset of its first play."""
        self.blocked: list[tuple[int, frozenset[str]]] = []
        """(offset, what is blocked from here on)."""
        self.over = False
        """Ended by an erasure: its lists may or may not have been published."""

    def blocked_at(self, offset: int) -> frozenset[str]:
        """Tracks that a list caused by `offset` must not hold."""
        for since, blocked in reversed(self.blocked):
            if since <= offset:
                return blocked
        return frozenset()


class User:
    """One user's state after some prefix of the log."""

    __slots__ = (
        "blocks",
        "erased_at",
        "event_ids",
        "finishes",
        "first_at",
        "history",
        "imports",
        "last_at",
        "last_track",
        "life",
        "newest",
        "plays",
        "recent",
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
        self.session_plays = 0
        self.session: str | None = None
        self.recent: deque[tuple[int, int]] = deque(maxlen=WINDOW)
        """(track's hash, time in s) of the session's last plays, newest last."""
        self.history: deque[tuple[int, int, int]] = deque(maxlen=HISTORY)
        """(track's hash, time in s, flags) of plays that were not late, newest last."""
        self.event_ids: deque[str] = deque(maxlen=EVENT_IDS)
        self.imports: dict[str, int] = {}
        self.blocks: list[str] = []
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

    def block(self, offset: int, track_id: str, *, lift: bool) -> None:
        """Block a track (the oldest block gives way), or lift its block."""
        if lift:
            self.blocks = [blocked for blocked in self.blocks if blocked != track_id]
        elif track_id not in self.blocks:
            self.blocks = [*self.blocks, track_id][-BLOCKS:]
        self.life.blocked.append((offset, frozenset(self.blocks)))

    def play(self, offset: int, event: Event, track: int) -> tuple[int, list[tuple[int, int]] | None]:
        """Count one play of the track with hash `track`; its flags and the plays before it in the session, newest first (None = late)."""
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
            self.recent.clear()
            self.sessions += 1
            self.session_plays = 0
        self.session_plays += 1
        before = list(reversed(self.recent))
        self.recent.append((track, event.at_ms // 1000))
        self.history.append((track, event.at_ms // 1000, flags))
        self.session, self.last_at, self.last_track = event.session_id, event.at_ms, event.track_id
        return flags, before

    def _goes_on(self, event: Event) -> bool:
        if not self.recent or event.session_id != self.session:
            return False
        return event.session_id is not None or event.at_ms - self.last_at < SESSION_GAP_MS


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
