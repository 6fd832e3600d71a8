"""What was published and what was played, put together: which entries of `discover` became plays, and how likely each was to be shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final, Literal, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from online_models.arrays import F64, I32
from online_models.rank import LENGTH

Bools = npt.NDArray[np.bool_]
Hits = Literal["named", "next"]

NO_TRACK: Final = -1


class Entry(msgspec.Struct, gc=False):
    """Of a published list."""

    track_id: str
    propensity: float


class Cause(msgspec.Struct, gc=False):
    """The event that a list answers."""

    event_id: str


class Explore(msgspec.Struct, gc=False):
    """How a list explored."""

    share: float
    places: list[int]
    kept: list[int] = []


class Published(msgspec.Struct, gc=False):
    """A record of `recommendations`, as far as it is looked at."""

    recommendation_id: str
    user_id: str
    cause: Cause
    discover: Annotated[list[Entry], msgspec.Meta(max_length=LENGTH)]
    explore: Explore | None = None


class Event(msgspec.Struct, gc=False):
    """A record of `events`, as far as it is looked at."""

    user_id: str
    event_id: str = ""
    type: str = "play"
    track_id: str | None = None
    recommendation_id: str | None = None
    private: bool = False


decode_list: Final = msgspec.json.Decoder(Published).decode
decode_event: Final = msgspec.json.Decoder(Event).decode


class PolicyLog(NamedTuple):
    """Lists whose `discover` explored, in the order of the events that they answer; places behind a list's end have no track."""

    user: I32  # (n,)
    track: I32  # (n, LENGTH) codes, NO_TRACK = none
    propensity: F64  # (n, LENGTH) chance that the track stood there, 1 where there is none
    explored: Bools  # (n, LENGTH) drawn
    kept: Bools  # (n, LENGTH) the place explored, and the best stands there, for what was drawn could not be shown
    share: F64  # (n,) chance that a place explored
    hit: Bools  # (n, LENGTH) the entry became a play
    popular: I32  # (n, LENGTH) what everybody plays most, without what the user knew when the list was made; codes, NO_TRACK = none

    @property
    def n(self) -> int:
        """Lists."""
        return len(self.user)


class Counts(NamedTuple):
    """What was seen on the way."""

    lists: int
    """Published."""
    exploring: int
    """Of them, that explored."""
    plays: int
    hits: Hits


class _Popular:
    """Tracks by plays, kept in order: a play moves its track up."""

    def __init__(self) -> None:
        self.order: list[int] = []
        self._place: dict[int, int] = {}
        self._plays: dict[int, int] = {}

    def count(self, track: int) -> None:
        if track not in self._plays:
            self._place[track] = len(self.order)
            self.order.append(track)
        n = self._plays[track] = self._plays.get(track, 0) + 1
        at = self._place[track]
        while at > 0 and self._plays[self.order[at - 1]] < n:
            other = self.order[at - 1]
            self.order[at], self._place[other] = other, at
            at -= 1
        self.order[at], self._place[track] = track, at

    def without(self, known: set[int]) -> list[int]:
        """The best that are not `known`, LENGTH at most."""
        found: list[int] = []
        for track in self.order:
            if track not in known:
                found.append(track)
                if len(found) == LENGTH:
                    break
        return found


class _Row(NamedTuple):
    """A list and what came of it."""

    published: Published
    popular: list[int]
    hit: list[int]
    """Places."""


class Assembly:
    """Goes through the events once, in their order.

    Parameters
    ----------
    lists: everything that was published, in any order; a list that was sent again counts once.
    hits: a play counts for the list that it names, or, where plays name none, for the user's list that was live.
    """

    def __init__(self, lists: Iterable[Published], hits: Hits) -> None:
        self._hits = hits
        self._by_cause: dict[tuple[str, str], Published] = {}
        for published in lists:
            self._by_cause.setdefault((published.user_id, published.cause.event_id), published)
        self._rows: dict[str, _Row] = {}
        self._live: dict[str, _Row] = {}
        self._known: dict[str, set[int]] = {}
        self._code: dict[str, int] = {}
        self._popular = _Popular()
        self._seen: set[tuple[str, str]] = set()
        self._plays = 0

    def run(self, events: Iterable[Event]) -> tuple[PolicyLog, Counts]:
        """Put everything together."""
        for event in events:
            self._one(event)
        if self._hits == "next":
            for row in self._live.values():
                self._rows.pop(row.published.recommendation_id)  # its next play is not known yet
        rows = [row for row in self._rows.values() if row.published.explore is not None and row.published.discover]
        return self._columns(rows), Counts(len(self._by_cause), len(rows), self._plays, self._hits)

    def _one(self, event: Event) -> None:
        if event.private or (event.user_id, event.event_id) in self._seen:
            return
        self._seen.add((event.user_id, event.event_id))
        known = self._known.setdefault(event.user_id, set())
        if event.type == "play" and event.track_id is not None:
            self._hit(event, event.track_id)
            code = self._code_of(event.track_id)
            known.add(code)
            self._popular.count(code)
            self._plays += 1
        published = self._by_cause.get((event.user_id, event.event_id))
        self._live.pop(event.user_id, None)
        if published is not None:
            row = _Row(published, self._popular.without(known), [])
            self._rows[published.recommendation_id] = self._live[event.user_id] = row

    def _hit(self, event: Event, track_id: str) -> None:
        named = self._hits == "named"
        row = self._rows.get(event.recommendation_id or "") if named else self._live.get(event.user_id)
        if row is None or row.published.user_id != event.user_id:
            return
        row.hit.extend(place for place, entry in enumerate(row.published.discover) if entry.track_id == track_id)

    def _code_of(self, track_id: str) -> int:
        return self._code.setdefault(track_id, len(self._code))

    def _columns(self, rows: list[_Row]) -> PolicyLog:
        n, users = len(rows), dict[str, int]()
        log = PolicyLog(
            user=np.array([users.setdefault(row.published.user_id, len(users)) for row in rows], np.int32),
            track=np.full((n, LENGTH), NO_TRACK, np.int32),
            propensity=np.ones((n, LENGTH)),
            explored=np.zeros((n, LENGTH), np.bool_),
            kept=np.zeros((n, LENGTH), np.bool_),
            share=np.zeros(n),
            hit=np.zeros((n, LENGTH), np.bool_),
            popular=np.full((n, LENGTH), NO_TRACK, np.int32),
        )
        for i, (published, popular, hit) in enumerate(rows):
            explore, entries = published.explore, published.discover
            assert explore is not None, "only lists that explored are rows"
            log.track[i, : len(entries)] = [self._code_of(entry.track_id) for entry in entries]
            log.propensity[i, : len(entries)] = [entry.propensity for entry in entries]
            log.explored[i, explore.places] = True
            log.kept[i, explore.kept] = True
            log.share[i] = explore.share
            log.hit[i, hit] = True
            log.popular[i, : len(popular)] = popular
        return log
