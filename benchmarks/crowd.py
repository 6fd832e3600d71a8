"""Plays of a busy service, all from one seed: thousands listen at once, each in their own order.

The order matters: among 500 plays in a row are some 475 users. A log in the order in which it was recorded, with a few
listeners at a time, is far cheaper and says nothing about a busy service. Shapes follow the 30Music sample: sessions
of 9 plays, 18 % repeats, 10 % of the tracks get a third of the plays, three of ten plays follow the album.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.random import Generator

SESSION_ENDS_SHARE: Final = 1 / 9
FOLLOWS_SHARE: Final = 0.30
REPEATS_SHARE: Final = 0.11
STYLE_SHARE: Final = 0.35
"""The rest of the plays are drawn from all tracks, the popular ones first."""
ALBUM_TRACKS: Final = 12
STYLES_N: Final = 40
REPEATED_FROM: Final = 60
"""A repeat is one of so many last plays."""
SKIPPED_SHARE: Final = 0.12
TRACK_MS: Final = 200_000
"""Mean time between two plays of a listener; with 5,000 of them a play starts every 40 ms."""
NATURAL_SKEW: Final = 2.0
ID_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ID_CHARS: Final = 22
DRAWN_AT_ONCE: Final = 65_536
EVENT_ID: Final = re.compile(rb'"event_id":"([^"]+)"')
"""Finds the id in an event and in a list that answers it: decoding a list of 6 KB would cost the one who measures more."""

_DEVICES: Final = (b"phone", b"desktop", b"speaker", b"car")
_PLAY: Final = (
    b'{"event_id":"%b","user_id":"%b","track_id":"%b","played_at":%d,"ms_played":%d,"duration_ms":%d,'
    b'"session_id":"%b","reason_end":"%b","context":{"device":"%b","shuffle":false}}'
)


class Play(NamedTuple):
    """One event, ready to be produced."""

    key: bytes
    value: bytes
    event_id: bytes


class Size(NamedTuple):
    """How many there are of what."""

    users: int = 10_000
    listening: int = 5_000
    tracks: int = 10_000


class _Listener:
    """What one user's next play depends on."""

    __slots__ = ("heard", "session", "session_id", "style", "track", "user_id")

    def __init__(self, number: int, style: int) -> None:
        self.user_id = b"listener-%07d" % number
        self.style = style
        self.track = -1
        self.session = 0
        self.session_id = b"%b-000000" % self.user_id
        self.heard: deque[int] = deque(maxlen=REPEATED_FROM)


class Crowd:
    """An endless stream of plays.

    Parameters
    ----------
    seed: the same seed is the same stream.
    start_ms: when the first play started, epoch ms; each later one starts TRACK_MS / listening later.
    """

    def __init__(self, seed: int, start_ms: int, size: Size) -> None:
        assert size.listening <= size.users, "who listens is a user"
        assert size.tracks >= ALBUM_TRACKS * STYLES_N, "each style has an album"
        self.size = size
        self._rng = np.random.default_rng(seed)
        self._chance = _chances(self._rng)
        self.track_ids = _track_ids(self._rng, size.tracks)
        styles = self._rng.integers(STYLES_N, size=size.users).tolist()
        self._idle = [_Listener(number, style) for number, style in enumerate(styles)]
        self.user_ids = [listener.user_id for listener in self._idle]
        self._rng.shuffle(self._idle)
        self._listening = [self._begin() for _ in range(size.listening)]
        self._step_ms = TRACK_MS / size.listening
        self._at_ms = float(start_ms)
        self._n = 0

    def plays(self, n: int) -> Iterator[Play]:
        """The next `n` plays."""
        for _ in range(n):
            yield self._play()

    def census(self) -> Iterator[Play]:
        """One play of everybody who does not listen now, in which every track has its turn."""
        for number, listener in enumerate(self._idle):
            yield self._of(listener, number % self.size.tracks)

    def _play(self) -> Play:
        place = int(self._chance() * len(self._listening))
        listener = self._listening[place]
        play = self._of(listener, self._next_track(listener))
        if self._chance() < SESSION_ENDS_SHARE:
            self._idle.append(listener)
            self._listening[place] = self._begin()
        return play

    def _of(self, listener: _Listener, track: int) -> Play:
        """A play of `track` by `listener`."""
        chance = self._chance
        listener.track = track
        listener.heard.append(track)
        self._n += 1
        self._at_ms += self._step_ms
        event_id = b"01KC%022d" % self._n
        duration_ms = 120_000 + 7 * (track * 7919 % 20_000)
        ms_played, reason = duration_ms, b"trackdone"
        if chance() < SKIPPED_SHARE:
            ms_played, reason = int(chance() * 25_000), b"fwdbtn"
        value = _PLAY % (
            event_id,
            listener.user_id,
            self.track_ids[track],
            int(self._at_ms),
            ms_played,
            duration_ms,
            listener.session_id,
            reason,
            _DEVICES[listener.style % len(_DEVICES)],
        )
        return Play(listener.user_id, value, event_id)

    def _begin(self) -> _Listener:
        """Somebody who does not listen begins to; who listened lately is as likely to come as anybody."""
        place = int(self._chance() * len(self._idle))
        self._idle[place], self._idle[-1] = self._idle[-1], self._idle[place]
        listener = self._idle.pop()
        listener.session += 1
        listener.session_id = b"%b-%06d" % (listener.user_id, listener.session)
        return listener

    def _next_track(self, listener: _Listener) -> int:
        chance, n = self._chance, self.size.tracks
        what = chance()
        if what < FOLLOWS_SHARE and listener.track >= 0 and (listener.track + 1) % ALBUM_TRACKS and listener.track + 1 < n:
            return listener.track + 1
        what -= FOLLOWS_SHARE
        if what < REPEATS_SHARE and listener.heard:
            return listener.heard[int(chance() * len(listener.heard))]
        what -= REPEATS_SHARE
        skewed = chance() ** NATURAL_SKEW
        if what < STYLE_SHARE:
            album = listener.style + STYLES_N * int(skewed * (n // ALBUM_TRACKS // STYLES_N))
            return album * ALBUM_TRACKS + int(chance() * ALBUM_TRACKS)
        return int(skewed * n)


def _chances(rng: Generator) -> Callable[[], float]:
    """Numbers of [0, 1) one by one, drawn in bulk: ten times cheaper than one call each."""

    def numbers() -> Iterator[float]:
        while True:
            yield from rng.random(DRAWN_AT_ONCE).tolist()

    return numbers().__next__


def _track_ids(rng: Generator, n: int) -> list[bytes]:
    """Ids of 22 characters, as large catalogues have them."""
    letters = np.frombuffer(ID_ALPHABET.encode(), np.uint8)
    drawn = letters[rng.integers(len(letters), size=(n, ID_CHARS))]
    return [row.tobytes() for row in drawn]


def padding(n: int, seed: int) -> bytes:
    """`n` letters that compress as badly as ids do."""
    letters = np.frombuffer(ID_ALPHABET.encode(), np.uint8)
    return letters[np.random.default_rng(seed).integers(len(letters), size=n)].tobytes()


def users_per_500(plays: list[Play]) -> float:
    """Mean number of users among 500 plays in a row."""
    runs = [len({play.key for play in plays[at : at + 500]}) for at in range(0, len(plays) - 499, 500)]
    return float(np.mean(runs)) if runs else 0.0
