"""A rival that anybody would try first, for the demo: what followed the last track of the session, by count.

It is tested on the very plays that Segue is tested on, and it is asked when the play comes, with everything that others
played until then: an advantage over Segue, whose list was published when this user's play before came. That counts while
every play of anybody tells something new: on the first 4,000 plays of the default audience Segue finds .43 and Markov .50,
on the first 17,000 .68 and .65 (`segue evaluate plays`, preset `fast`).
"""

from __future__ import annotations

from bisect import insort
from typing import Final, NamedTuple, TypeVar

from console.audience import Listen

T = TypeVar("T")

LENGTH: Final = 20
"""Entries of a list, as many as Segue's."""
SUCCESSORS_MAX: Final = 200
"""Per track; of a full row the rarest gives way. An album's track has about ten that matter."""
TRACKS_MAX: Final = 50_000
"""Rows, and tracks that are counted; the one that was not played for longest gives way. Hours of a demo."""


class Tally(NamedTuple):
    """Plays tested, and those that were in the list."""

    plays: int = 0
    hits: int = 0

    def plus(self, hit: bool) -> Tally:
        return Tally(self.plays + 1, self.hits + hit)


class Markov:
    """First-order counts of what follows what; popular tracks fill the list where they know too few.

    >>> markov = Markov()
    >>> for before, track in (("a", "b"), ("a", "c"), ("a", "c")):
    ...     markov.learn_one(before, track)
    >>> markov.rank("a")
    ['c', 'b']
    """

    def __init__(self, *, successors_max: int = SUCCESSORS_MAX, tracks_max: int = TRACKS_MAX) -> None:
        self._successors_max, self._tracks_max = successors_max, tracks_max
        self._follows: dict[str, dict[str, int]] = {}
        self._plays: dict[str, int] = {}
        self._popular: list[tuple[int, str]] = []
        """(-plays, track) of the `LENGTH` most played, sorted: only the track that is played can move."""

    def rank(self, before: str) -> list[str]:
        """At most `LENGTH` tracks, best first; equals by id."""
        row = self._follows.get(before, {})
        known = sorted(row, key=lambda track: (-row[track], track))[:LENGTH]
        fill = [track for _, track in self._popular if track not in row]
        return (known + fill)[:LENGTH]

    def learn_one(self, before: str | None, track: str) -> None:
        """`track` was played, after `before` in the same session (None = it began one)."""
        self._count(track)
        if before is None:
            return
        row = _touch(self._follows, before, {}, self._tracks_max)
        if track not in row and len(row) >= self._successors_max:
            del row[min(row, key=lambda known: (row[known], known))]
        row[track] = row.get(track, 0) + 1

    def _count(self, track: str) -> None:
        plays = _touch(self._plays, track, 0, self._tracks_max)
        self._plays[track] = plays + 1
        self._popular = [entry for entry in self._popular if entry[1] != track]
        insort(self._popular, (-plays - 1, track))
        del self._popular[LENGTH:]


def _touch(table: dict[str, T], key: str, new: T, n_max: int) -> T:
    """The value of `key` (`new` where there is none), which becomes the newest entry; the oldest gives way."""
    value = table.pop(key, new)
    if len(table) >= n_max:
        del table[next(iter(table))]
    table[key] = value
    return value


class MarkovRival:
    """Markov beside Segue: guesses when a play is sent, and counts it once it is known that Segue was tested on it, too."""

    def __init__(self) -> None:
        self.tally = Tally()
        self._markov = Markov()
        self._last: dict[str, tuple[str, str]] = {}
        """User -> session and track of the newest play that is not private."""
        self._had_list: dict[str, bool] = {}

    def play(self, listen: Listen) -> bool | None:
        """Test, then learn a play that is not private; says whether it was in Markov's list, None = it begins a session."""
        session, before = self._last.get(listen.user_id, ("", ""))
        track = listen.track.track_id
        goes_on = session == listen.session_id
        hit = track in self._markov.rank(before) if goes_on else None
        self._markov.learn_one(before if goes_on else None, track)
        self._last[listen.user_id] = (listen.session_id, track)
        return hit

    def answered(self, user_id: str, hit: bool | None, n_listed: int) -> None:
        """A list of `n_listed` entries answers an event: a play that went on with its session while a list stood was a test."""
        if hit is not None and self._had_list.get(user_id, False):
            self.tally = self.tally.plus(hit)
        self._had_list[user_id] = n_listed > 0
