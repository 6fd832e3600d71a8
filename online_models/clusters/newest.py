"""The newest tracks of each cluster: those that a catalogue brought last, and that few can have played yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from online_models.clusters.following import Event

NEWEST_MAX: Final = 16
"""Of a cluster: a place that explores draws one of some 200 candidates, and these join them."""


class New(msgspec.Struct, frozen=True, array_like=True):
    """A track that came lately."""

    n: int
    """How many tracks had been seen with it."""
    track_id: str
    artist: str
    """"" = not known."""


class Newest:
    """By cluster, oldest first. A pure fold of tracks and of what becomes of clusters.

    >>> from online_models.clusters.following import Event
    >>> newest = Newest()
    >>> newest.keep(3, 1, "t1", "Kabát"); newest.keep(5, 2, "t2", "")
    >>> newest.follow([Event("merged", 3, 5, 2)])
    >>> [new.track_id for new in newest.of[5]], 3 in newest.of
    (['t1', 't2'], False)
    """

    def __init__(self, of: Mapping[int, list[New]] | None = None) -> None:
        self.of: dict[int, list[New]] = {cluster: list(held) for cluster, held in (of or {}).items()}

    def keep(self, cluster: int, n: int, track_id: str, artist: str) -> None:
        """The `n`-th track came and is in `cluster`; one that came before and is held still comes anew."""
        for held in self.of.values():
            held[:] = [new for new in held if new.track_id != track_id]
        self._put(cluster, [*self.of.get(cluster, ()), New(n, track_id, artist)])

    def follow(self, events: Iterable[Event]) -> None:
        """What a cluster that is gone held goes where it went; the tracks of one that was split stay with what keeps its id."""
        for event in events:
            if event.what == "merged":
                gone = self.of.pop(event.cluster, [])
                if event.other is not None and gone:
                    self._put(event.other, sorted([*self.of.get(event.other, ()), *gone], key=lambda new: new.n))

    def shown(self) -> dict[int, list[New]]:
        """The same, in the order of the clusters' ids: same state, same bytes."""
        return dict(sorted(self.of.items()))

    def _put(self, cluster: int, held: list[New]) -> None:
        self.of[cluster] = held[-NEWEST_MAX:]
