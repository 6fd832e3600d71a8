"""What users' and tracks' rows would say of a play before it: a log brings plays, and no rows."""

from __future__ import annotations

import math

from evaluation.lengths import Lengths, heard_out
from online_models.segments.habits import Play


class Pasts:
    """Who played what, and how often each track was played and heard out."""

    def __init__(self) -> None:
        self._lengths = Lengths()
        self._known: set[tuple[int, int]] = set()
        self._tracks: dict[int, list[int]] = {}

    def play(self, user: int, track: int, at_ms: int, seconds: float | None) -> Play:
        """The next play of the log, with what was known before it; `seconds` heard, None or NaN = not told."""
        heard = seconds if seconds is not None and math.isfinite(seconds) else None
        length_s = self._lengths.length_s(track) if heard is not None else None
        finished = heard_out(heard, length_s) if heard is not None else None
        counts = self._tracks.setdefault(track, [0, 0, 0])
        plays, judged, finishes = counts
        is_new = (user, track) not in self._known
        if heard is not None:
            self._lengths.learn(track, heard)
        counts[:] = plays + 1, judged + (finished is not None), finishes + bool(finished)
        self._known.add((user, track))
        return Play(user, track, at_ms, heard, finished, length_s, is_new, plays, judged, finishes)
