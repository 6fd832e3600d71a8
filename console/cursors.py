"""How far the workers are: cursors in Redis beside the ends of the logs they read."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from console.kafka_door import end_offsets
from console.owed import items_owed
from console.redis_door import State
from console.trouble import Exit, Trouble

LOOK_EVERY_S = 0.25
ON_ITS_WAY_S = 15.0
"""No item was stored for so long: none is under way. A busy worker stores its tracks every 5 s."""
STALLED_S = 60.0
"""No cursor moved for so long: nobody is working. A worker that was killed is back within 6 s."""


class Counts(NamedTuple):
    """What became of records (P1: together they are all readable records below the cursors)."""

    applied: int = 0
    duplicate: int = 0
    rejected: int = 0
    private: int = 0

    def minus(self, other: Counts) -> Counts:
        return Counts(*(mine - theirs for mine, theirs in zip(self, other, strict=True)))

    @property
    def total(self) -> int:
        return sum(self)


class Place(NamedTuple):
    """One partition: the cursor's next offset (0 = no cursor yet) and the offset to reach."""

    next: int
    end: int

    @property
    def left(self) -> int:
        return max(self.end - self.next, 0)


def counts(state: State, n_partitions: int) -> Counts:
    """The sum over all user partitions."""
    cursors = state.hashes([state.keys.user_cursor(p) for p in range(n_partitions)])
    return Counts(*(sum(int(cursor.get(name, b"0")) for cursor in cursors) for name in Counts._fields))


def places(state: State, cursor_keys: Sequence[str], ends: Sequence[int]) -> list[Place]:
    """Cursor beside end, per partition."""
    cursors = state.hashes(cursor_keys)
    return [Place(int(cursor.get("next", b"0")), end) for cursor, end in zip(cursors, ends, strict=True)]


def wait_for(
    state: State,
    cursor_keys: Sequence[str],
    ends: Sequence[int],
    show: Callable[[int], None],
    *,
    what: str,
    next_command: str = "segue worker plays",
) -> None:
    """Returns once every cursor stands at or behind its end; `show` gets how many records are left.

    Raises
    ------
    Trouble : no cursor moved for `STALLED_S` (exit 1)
    """
    left = _fewest(lambda: sum(place.left for place in places(state, cursor_keys, ends)), show, STALLED_S)
    if left:
        raise Trouble(Exit.FAILURE, f"{left} {what} wait and no cursor moved for {STALLED_S:.0f} s", next_command)
    show(0)


def _fewest(count: Callable[[], int], show: Callable[[int], None], patience_s: float) -> int:
    """Look until nothing is left, which is 0, or until as many are left for `patience_s`; `show` gets what is left at each look."""
    fewest, moved_s = -1, time.monotonic()
    while True:
        left = count()
        if left == 0:
            return 0
        show(left)
        if left != fewest:
            fewest, moved_s = left, time.monotonic()
        if time.monotonic() - moved_s > patience_s:
            return left
        time.sleep(LOOK_EVERY_S)


def drain(state: State, show: Callable[[int], None], *, event_ends: Sequence[int] | None = None) -> None:
    """Waits until the events (up to `event_ends`, else all there are now) and then their track deltas are applied.

    `show` is called with the number of records left, events first.
    """
    settings, keys = state.settings, state.keys
    ends = end_offsets(settings, f"{settings.namespace}.events") if event_ends is None else event_ends
    wait_for(state, [keys.user_cursor(p) for p in range(len(ends))], ends, show, what="events")
    deltas = end_offsets(settings, f"{settings.namespace}.internal.track-deltas")
    users, tracks = [keys.user_cursor(p) for p in range(len(ends))], [keys.track_cursor(p) for p in range(len(deltas))]
    wait_for(state, tracks, deltas, show, what="track deltas")
    _wait_for_items(state, users, tracks, show)


def _wait_for_items(state: State, users: Sequence[str], tracks: Sequence[str], show: Callable[[int], None]) -> None:
    """Until nothing is on its way, or nothing more comes: what retention deleted unread never will."""
    _fewest(lambda: items_owed(state.hashes(users), state.hashes(tracks)), show, ON_ITS_WAY_S)
