"""Load for chaos runs: what a busy service sends, the bad parts included, all from one seed.

Users are interleaved (a chunk of 500 touches hundreds of them), follow habits (so that neighbours
fill and overflow), and now and then an event comes twice, late, in private, broken or on a wrong partition.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from random import Random
from typing import Any, Final, NamedTuple

import msgspec

PRIVATE_SHARE: Final = 0.005
LATE_SHARE: Final = 0.01
REPEAT_SHARE: Final = 0.02
BAD_SHARE: Final = 0.005
DECISION_SHARE: Final = 0.006
"""Likes, dislikes, blocks, and what takes them or a play back."""
PAUSE_SHARE: Final = 0.0005
ERASE_SHARE: Final = 0.0005
GAP_USERS_SHARE: Final = 0.4
"""Users whose service names no sessions."""

DECISIONS: Final = ("like", "dislike", "block", "block", "unblock", "undo", "forget", "radio")
TRACK_MS: Final = 200_000
LATE_MS: Final = 6 * 3600 * 1000
PAUSE_MS: Final = 2 * 3600 * 1000
SESSION_ENDS_SHARE: Final = 0.1
REPEATABLE: Final = 20
"""A user's last records that may come again: fewer than the window of event ids (32)."""
ARTISTS: Final = 97
ALBUMS: Final = 5
HISTORY_MS: Final = 60 * 24 * 3600 * 1000
"""Simulated time starts this long ago, so that no play lies in the future."""


class Sent(NamedTuple):
    """One record to produce; partition -1 = where murmur2 puts the key."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    partition: int = -1
    is_play: bool = False
    """A valid play that is sent for the first time."""


class Listener:
    """One simulated user."""

    __slots__ = ("at_ms", "home", "names_sessions", "number", "recent", "session", "track", "user_id")

    def __init__(self, number: int, rng: Random, n_tracks: int, start_ms: int) -> None:
        self.number, self.user_id = number, f"u{number}"
        self.names_sessions = rng.random() >= GAP_USERS_SHARE
        self.home = rng.randrange(n_tracks)
        self.track = self.home
        self.session = 0
        self.at_ms = start_ms + rng.randrange(TRACK_MS)
        self.recent: deque[Sent] = deque(maxlen=REPEATABLE)


class Load:
    """An endless stream of records.

    Parameters
    ----------
    now_ms: wall clock; played_at lies in the two months before it
    partitions: of the events topic, to miss the right one on purpose
    """

    def __init__(self, seed: int, now_ms: int, *, users: int = 4_000, tracks: int = 3_000, partitions: int = 8) -> None:
        self._rng = Random(seed)
        self._n_tracks, self._n_partitions = tracks, partitions
        self._listeners = [Listener(number, self._rng, tracks, now_ms - HISTORY_MS) for number in range(users)]
        self._n = 0

    def records(self) -> Iterator[Sent]:
        """One record after the other; the users' shares of it are uneven, as in life."""
        rng = self._rng
        while True:
            chance = rng.random()
            listener = self._listeners[int(len(self._listeners) * rng.random() ** 1.5)]
            if chance < BAD_SHARE:
                yield self._bad(listener)
            elif chance < BAD_SHARE + REPEAT_SHARE and listener.recent:
                yield rng.choice(listener.recent)._replace(is_play=False)
            elif chance < BAD_SHARE + REPEAT_SHARE + DECISION_SHARE:
                yield self._decision(listener, rng.choice(DECISIONS))
            elif chance < BAD_SHARE + REPEAT_SHARE + DECISION_SHARE + PAUSE_SHARE:
                yield self._other(listener, rng.choice(("pause", "resume", "resume")))
            elif chance < BAD_SHARE + REPEAT_SHARE + DECISION_SHARE + PAUSE_SHARE + ERASE_SHARE:
                listener.recent.clear()
                yield self._other(listener, "erase")
            else:
                yield self._play(listener)

    def _play(self, listener: Listener) -> Sent:
        rng = self._rng
        body = self._body(listener)
        private = rng.random() < PRIVATE_SHARE
        if private:
            body["private"] = True
        sent = Sent(listener.user_id.encode(), msgspec.json.encode(body), is_play=True)
        if not private:
            listener.recent.append(sent)
        return sent

    def _body(self, listener: Listener) -> dict[str, Any]:
        """The next play of a listener: time, track and how it ended."""
        rng = self._rng
        if rng.random() < SESSION_ENDS_SHARE:
            listener.session += 1
            listener.at_ms += PAUSE_MS
            listener.track = listener.home
        listener.track = self._next_track(listener.track)
        listener.at_ms += TRACK_MS
        late = LATE_MS if rng.random() < LATE_SHARE else 0
        body: dict[str, Any] = {
            "event_id": self._event_id(),
            "user_id": listener.user_id,
            "track_id": f"track-{listener.track:05d}",
            "played_at": listener.at_ms - late,
        }
        if listener.track % 3:  # who made it is told of two tracks in three
            body["artist"] = f"artist {listener.track % ARTISTS}"
        if listener.track % 4:  # of a track whose artist is not told, its album says nothing
            body["album"] = f"album {listener.track % ALBUMS}"
        if listener.names_sessions:
            body["session_id"] = f"{listener.user_id}-{listener.session}"
        return body | self._ending()

    def _ending(self) -> dict[str, Any]:
        rng = self._rng
        chance = rng.random()
        if chance < 0.15:
            return {"ms_played": rng.randrange(1, 25_000), "duration_ms": TRACK_MS, "reason_end": "fwdbtn"}
        if chance < 0.25:
            return {}
        if chance < 0.5:
            return {"ms_played": rng.randrange(30_000, TRACK_MS), "duration_ms": TRACK_MS}
        return {"ms_played": TRACK_MS, "duration_ms": TRACK_MS, "reason_end": "trackdone"}

    def _next_track(self, track: int) -> int:
        """Mostly a near follower, at times a jump; small numbers are hits."""
        rng = self._rng
        if rng.random() < 0.7:
            return (track * 7 + rng.randrange(1, 90)) % self._n_tracks
        return int(self._n_tracks * rng.random() ** 3)

    def _event_id(self) -> str:
        self._n += 1
        return f"e{self._n:07d}"

    def _decision(self, listener: Listener, kind: str) -> Sent:
        """About a track near the last one, or about one of the user's last records."""
        rng = self._rng
        track = {"track_id": f"track-{self._next_track(listener.track):05d}"}
        if kind == "block" and rng.random() < 0.5:
            return self._other(listener, kind, **track, until=listener.at_ms + rng.randrange(PAUSE_MS))
        if kind not in {"undo", "forget"} or not listener.recent:
            return self._other(listener, "like" if kind == "undo" else kind, **track)
        if kind == "forget" and rng.random() < 0.5:
            return self._other(listener, kind, **track)
        earlier = msgspec.json.decode(rng.choice(listener.recent).value or b"{}")["event_id"]
        return self._other(listener, kind, **{"undone_event_id" if kind == "undo" else "forgotten_event_id": earlier})

    def _other(self, listener: Listener, kind: str, **fields: object) -> Sent:
        body: dict[str, Any] = {"type": kind, "event_id": self._event_id(), "user_id": listener.user_id, **fields}
        return Sent(listener.user_id.encode(), msgspec.json.encode(body))

    def _bad(self, listener: Listener) -> Sent:
        """A record of some kind that must become a dead letter."""
        rng = self._rng
        key = listener.user_id.encode()
        body = {"event_id": self._event_id(), "user_id": listener.user_id, "track_id": "track-00001", "played_at": listener.at_ms}
        kind = rng.randrange(10)
        if kind == 0:
            return Sent(key, b'{"event_id": "e1", "user_id"')
        if kind == 1:
            return Sent(key, None)
        if kind == 2:
            return Sent(None, msgspec.json.encode(body), partition=rng.randrange(self._n_partitions))
        if kind == 3:
            return Sent(b"someone-else", msgspec.json.encode(body))
        if kind == 4:
            return Sent(key, msgspec.json.encode(body), headers=(("ce_type", b"segue.play.v9"), ("trace", b"\x00\xff")))
        changed: dict[str, Any] = (
            {"played_at": 253_402_300_000_000},
            {"played_at": 1_600_000_000},
            {"track_id": 42},
            {"type": "radio", "n": 0},
            {"track": "x" * rng.choice((600, 20_000, 90_000))},
        )[kind - 5]
        return Sent(key, msgspec.json.encode(body | changed))
