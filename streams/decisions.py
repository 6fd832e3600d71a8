"""What a user decided, read from the binary row without the kernels: for commands, which start fast.

The layout is that of `streams/user_rows.py`; a test writes rows there and reads them here.
"""

from __future__ import annotations

from struct import Struct, error, unpack_from
from typing import Final, NamedTuple

VERSIONS: Final = (3, 4)
"""They differ in the learned part alone, which is not read here."""
_HEAD: Final = Struct("<B3xI16q")
_EVENT_IDS, _IMPORTS, _FOR_EVER = 32, 4, 2**32 - 1
_KINDS: Final = ("", "like", "dislike", "block", "block")
_ARTIST: Final = 4
"""Kind of an artist's block."""


class Decision(NamedTuple):
    """A like, dislike, block or unblock that the row still holds."""

    kind: str
    track: int
    """Keyed hash of the id (`streams/ids.py`)."""
    until_s: int | None
    """When a block ends, epoch s; None = never, or no block."""
    of_artist: bool
    """The block is of an artist, and `track` the keyed hash of their name (`streams/artists.py`)."""


class Decisions(NamedTuple):
    """All of them, oldest first."""

    paused: bool
    decided: list[Decision]
    n_hidden: int
    """Tracks hidden for good, which a filter holds."""

    def standing(self, now_s: int) -> list[Decision]:
        """What holds at a time, one decision per track, in the order of the log: a block, else the last like or dislike."""
        found: dict[int, Decision] = {}
        for decision in reversed(self.decided):
            held = found.get(decision.track)
            if held is None or (held.kind in {"unblock", "ended"} and decision.kind in {"like", "dislike"}):
                found[decision.track] = decision._replace(kind="ended") if _has_ended(decision, now_s) else decision
        return [decision for decision in reversed(found.values()) if decision.kind not in {"unblock", "ended"}]


def decisions(row: bytes) -> Decisions | None:
    """Read a row; None when it is of another version, or none."""
    try:
        version, _, *head = _HEAD.unpack_from(row)
        if version not in VERSIONS:
            return None
        n, n_ids, n_imports, m, _, paused, _, n_hidden = head[8:]
        at = _HEAD.size + 17 * n + 8 * min(n_ids, _EVENT_IDS) + 16 * min(n_imports, _IMPORTS)
        tracks, untils, kinds = (unpack_from(f"<{m}{code}", row, at + m * skip) for code, skip in (("q", 0), ("I", 12), ("B", 16)))
    except error:
        return None
    decided = [_decision(*one) for one in zip(tracks, untils, kinds, strict=True)]
    return Decisions(bool(paused), decided, n_hidden)


def _decision(track: int, until_s: int, kind: int) -> Decision:
    return Decision("unblock" if until_s == 0 else _KINDS[kind], track, None if until_s in {0, _FOR_EVER} else until_s, kind == _ARTIST)


def _has_ended(decision: Decision, now_s: int) -> bool:
    return decision.until_s is not None and decision.until_s <= now_s
