"""Judges the lists: every applied event has its own, on the topic and (the newest) in Redis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from tests.oracle.exploring import Explore, exploring_difference
from tests.oracle.fold import Due, PartitionFold
from tests.oracle.logs import Read
from tests.oracle.people import Life
from tests.oracle.verdict import Findings

LENGTH = 20
WRONGLY_HIDDEN = 0.05
"""Part of the tracks that a user's filters may hide wrongly, and more."""
FEW_TRACKS = 100
"""With more tracks than this known and free to show, a list has no reason to be short."""


class Entry(msgspec.Struct, gc=False):
    track_id: str
    score: float
    source: str
    because: list[str]
    propensity: float
    finish: float | None = None


class Cause(msgspec.Struct, gc=False):
    event_id: str
    partition: int
    offset: int


class Model(msgspec.Struct, gc=False):
    ranker: str
    finish: int | None


class Lists(msgspec.Struct):
    """One record of `recommendations`, as far as it is promised."""

    recommendation_id: str
    user_id: str
    at: int
    cause: Cause
    next: list[Entry]
    discover: list[Entry]
    model: Model
    explore: Explore | None = None


DECODER = msgspec.json.Decoder(Lists)
"""Refuses a number that is not finite (NaN, Infinity, 1e999): such a list cannot be read, and is wrong."""


class Newest(NamedTuple):
    """The list that a reader of the topic keeps for one user."""

    offset: int
    contents: set[int]
    """`content` of it; of several, where Redis went back."""


def content(lists: Lists) -> int:
    """A digest of what a list says, however it is written."""
    return hash(msgspec.json.encode(lists))


class Shown(NamedTuple):
    """A list of somebody who has blocked artists: what it may hold is known when all partitions are read."""

    partition: int
    offset: int
    blocked: frozenset[int]
    """Hashes of artists."""
    tracks: frozenset[str]


def judge_artists(shown: Iterable[Shown], made_by: Mapping[str, int], findings: Findings) -> None:
    """Does no list hold a track of an artist whom its user had blocked?

    Parameters
    ----------
    made_by: track -> hash of the artist that every play of it named, wherever it is in the log: whoever knows the track by name
        knows its artist, too. Of other tracks nobody need know in time.
    """
    for one in shown:
        findings.seen("lists_of_blockers")
        wrong = sorted(track for track in one.tracks if made_by.get(track, 0) in one.blocked)
        if wrong:
            findings.fault("lists_wrong", f"recommendations {one.partition}, cause {one.offset}: holds tracks of blocked artists: {wrong}")


class ListsJudge:
    """Reads one partition of `recommendations` against the fold of its events.

    Parameters
    ----------
    rewound: Redis was flushed or rolled back: lists of another incarnation may stand before, and the same id
        may carry other bytes (DESIGN: rankers are not promised to come out equal after a rollback).
    """

    def __init__(self, fold: PartitionFold, incarnation: str, findings: Findings, *, rewound: bool) -> None:
        self._fold = fold
        self._partition = fold.rules.partition
        self._prefix = incarnation[:4]
        self._findings = findings
        self._rewound = rewound
        self._seen: dict[str, int] = {}
        self.newest: dict[str, Newest] = {}
        self.shown: list[Shown] = []
        self.last_word: dict[str, tuple[int, bool]] = {}
        """User -> (offset of the cause, is it a null) of the newest record, by cause as readers must see it."""

    def run(self, log: Iterable[Read]) -> None:
        """Judge each record, then what is missing."""
        for read in log:
            self._one(read)
        self._missing()

    def _wrong(self, offset: int, message: str) -> None:
        self._findings.fault("lists_wrong", f"recommendations {self._partition}@{offset}: {message}")

    def _one(self, read: Read) -> None:
        user_id = (read.key or b"").decode("utf-8", "replace")
        if read.value is None:
            self._null(read, user_id)
            return
        try:
            lists = DECODER.decode(read.value)
        except msgspec.MsgspecError as error:
            self._wrong(read.offset, f"cannot be read: {error}")
            return
        digest = hash(read.value)
        known = self._seen.get(lists.recommendation_id)
        if known is None:
            self._seen[lists.recommendation_id] = digest
            self._findings.seen("lists")
            self._first(read, user_id, lists)
        else:
            self._findings.seen("lists_repeated")
            if known != digest and not self._rewound:
                self._wrong(read.offset, f"{lists.recommendation_id} came again with other bytes")
        self._keep(user_id, lists)

    def _null(self, read: Read, user_id: str) -> None:
        """The last word on a user who was erased; its header says by which event."""
        user = self._fold.users.get(user_id)
        cause = dict(read.headers).get("ce_id") or b""
        prefix, _, place = cause.decode("utf-8", "replace").partition("-")
        partition, _, offset = place.partition("-")
        if user is None or user.erased_at < 0:
            self._wrong(read.offset, f"a null for {user_id!r}, who was never erased")
        elif partition != str(self._partition) or not offset.isdigit() or (prefix != self._prefix and not self._rewound):
            self._wrong(read.offset, f"the null for {user_id!r} has ce_id {cause!r}")
        else:
            self._say(user_id, int(offset), is_null=True)

    def _say(self, user_id: str, offset: int, *, is_null: bool) -> None:
        if offset >= self.last_word.get(user_id, (-1, False))[0]:
            self.last_word[user_id] = offset, is_null

    def _keep(self, user_id: str, lists: Lists) -> None:
        self._say(user_id, lists.cause.offset, is_null=False)
        if not lists.recommendation_id.startswith(self._prefix):
            return
        held = self.newest.get(user_id)
        if held is None or lists.cause.offset > held.offset:
            self.newest[user_id] = Newest(lists.cause.offset, {content(lists)})
        elif lists.cause.offset == held.offset:
            held.contents.add(content(lists))

    def _first(self, read: Read, user_id: str, lists: Lists) -> None:
        cause = lists.cause
        due = self._fold.due.get(cause.offset)
        if cause.partition != self._partition or due is None:
            self._wrong(read.offset, f"{lists.recommendation_id}: no applied event at {cause.partition}@{cause.offset}")
            return
        if (due.user_id, due.event_id) != (lists.user_id, cause.event_id) or user_id != lists.user_id:
            message = f"{lists.recommendation_id}: key {user_id!r}, user {lists.user_id!r}, event {cause.event_id!r}; the log has {due[:2]}"
            self._wrong(read.offset, message)
            return
        prefix, _, place = lists.recommendation_id.partition("-")
        if place != f"{self._partition}-{cause.offset}" or (prefix != self._prefix and not self._rewound):
            self._wrong(read.offset, f"id {lists.recommendation_id}, expected {self._prefix}-{self._partition}-{cause.offset}")
            return
        message = self._content(lists, due)
        if message:
            self._wrong(read.offset, f"{lists.recommendation_id} of {due.user_id!r}: {message}")

    def _content(self, lists: Lists, due: Due) -> str:
        offset, life = lists.cause.offset, due.life
        for half, entries in (("next", lists.next), ("discover", lists.discover)):
            different = len({entry.track_id for entry in entries})
            if different != len(entries) or different > LENGTH:
                return f"{half} has {len(entries)} entries, {different} of them different"
            message = _entries_difference(entries, life, offset)
            if message:
                return f"{half} {message}"
        blocked = life.hidden_artists_at(offset)
        if blocked and not self._rewound:
            tracks = frozenset(entry.track_id for entry in (*lists.next, *lists.discover))
            self.shown.append(Shown(self._partition, offset, blocked, tracks))
        for entry in lists.discover:
            if life.first_played.get(entry.track_id, offset + 1) <= offset:
                return f"discover holds {entry.track_id!r}, which the user played at offset {life.first_played[entry.track_id]}"
        return exploring_difference(lists) or self._short(lists, due)

    def _short(self, lists: Lists, due: Due) -> str:
        shortest = min(len(lists.next), len(lists.discover))
        if shortest == LENGTH:
            return ""
        self._findings.seen("lists_short")
        if due.life.hidden_artists:
            return ""  # whose tracks these are is not known here
        early = lists.cause.offset < 2 * self._fold.rules.half
        hidden = len(due.life.hidden_at(lists.cause.offset)) + WRONGLY_HIDDEN * len(self._fold.half_tracks)
        free = len(self._fold.half_tracks) - len(due.life.first_played) - int(hidden)
        if early or self._rewound or free < FEW_TRACKS:
            return ""
        return f"only {shortest} entries, with {free} tracks known and never played by the user"

    def _missing(self) -> None:
        for offset, due in self._fold.due.items():
            if due.life.over or f"{self._prefix}-{self._partition}-{offset}" in self._seen:
                continue
            message = f"event {due.event_id!r} of {due.user_id!r} at {self._partition}@{offset} has no list"
            self._findings.fault("lists_missing", message)


def _entries_difference(entries: list[Entry], life: Life, offset: int) -> str:
    for track_id in {cause for entry in entries for cause in entry.because}:
        if life.first_played.get(track_id, offset + 1) > offset:
            return f"names {track_id!r} as a cause, which the user had not played"
        if not life.remembers(track_id, offset):
            return f"names {track_id!r} as a cause, whose plays were forgotten"
    if life.hidden:
        shown = life.hidden_at(offset).intersection(entry.track_id for entry in entries)
        if shown:
            return f"holds tracks that were disliked or blocked: {sorted(shown)}"
    return ""
