"""How new releases of the demo find their first listeners: who was shown one, and who plays it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from console.audience import Audience, Listen
from console.audience_catalogue import Track

MARK: Final = b'"source":"releases"'
"""Most lists are not looked at any closer."""


class _Entry(msgspec.Struct):
    track_id: str
    source: str


class _List(msgspec.Struct):
    user_id: str
    discover: list[_Entry]


class Releases:
    """Counts people.

    Parameters
    ----------
    released : what came out unnoticed: the track, and when, in seconds of the demo
    """

    def __init__(self, audience: Audience, released: Mapping[str, tuple[Track, float]]) -> None:
        self._audience, self._released = audience, released
        self._shown: dict[str, set[str]] = {}
        """Track -> people whom a list showed it."""
        self._played: dict[str, set[str]] = {}
        self._decode = msgspec.json.Decoder(_List).decode

    @property
    def n_shown(self) -> int:
        """People, over all tracks."""
        return sum(map(len, self._shown.values()))

    @property
    def n_played(self) -> int:
        """People who played one, over all tracks."""
        return sum(map(len, self._played.values()))

    def listed(self, raw: bytes) -> None:
        """A list was published: who is shown something new may be curious."""
        if MARK not in raw:
            return
        told = self._decode(raw)
        for entry in told.discover:
            if entry.source == "releases" and entry.track_id in self._released:
                shown = self._shown.setdefault(entry.track_id, set())
                if told.user_id not in shown:
                    shown.add(told.user_id)
                    self._audience.offer(told.user_id, self._released[entry.track_id][0])

    def played(self, listen: Listen) -> None:
        """A play is sent."""
        if listen.track.track_id in self._released:
            self._played.setdefault(listen.track.track_id, set()).add(listen.user_id)

    def told(self, elapsed_s: float) -> str:
        """The release that found most listeners, in words; "" = none was shown to anybody."""
        if not self._shown:
            return ""
        best = max(self._shown, key=lambda track: (len(self._played.get(track, ())), len(self._shown[track]), track))
        track, out_s = self._released[best]
        n_shown, n_played = len(self._shown[best]), len(self._played.get(best, ()))
        age = f"came out {elapsed_s - out_s:.0f} s ago, unnoticed"
        return f"new: {track.title} · {track.artist} {age}; lists showed it to {n_shown}, {n_played} played it"
