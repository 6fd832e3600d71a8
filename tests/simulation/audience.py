"""Events for the worlds: listeners with sessions, skips, opinions and erasures, and producers that get things wrong."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec

from streams.partitioner import partition_of
from streams.ports import TP
from tests.simulation.memory_log import MemoryLog

HOUR_MS = 3_600_000
ARTISTS, ALBUMS = 4, 2
BAD = (b"{not json", b'{"event_id": 1}', b"\xff\xfe", b"[]", b'{"type": "radio", "event_id": "x", "user_id": "u0", "n": 0}')


class Audience:
    """Appends to one topic, each event to the partition of its user's key."""

    def __init__(self, log: MemoryLog, topic: str, partitions: int, rng: Random, *, users: int, tracks: int) -> None:
        self._log, self._topic, self._partitions, self._rng = log, topic, partitions, rng
        self._users, self._tracks = users, tracks
        self._tells = rng.random() < 0.75
        """Do plays say who made a track? Of two tracks in three always, of the others now and then."""
        self._n = 0
        self._sent: list[tuple[bytes, bytes]] = []

    def produce(self, n: int, at_ms: int) -> None:
        """`n` new events, appended at `at_ms`."""
        for _ in range(n):
            self._n += 1
            user = f"u{self._rng.randrange(self._users)}"
            if self._rng.random() < 0.05:
                self._append(user.encode(), self._rng.choice(BAD), at_ms)
            else:
                self._append(user.encode(), msgspec.json.encode(self._event(user, at_ms)), at_ms)

    def repeat(self, n: int, at_ms: int) -> None:
        """Send `n` of the last events again, as a producer does that lost an acknowledgement."""
        for key, value in self._rng.choices(self._sent[-12:], k=n) if self._sent else ():
            self._append(key, value, at_ms)

    def transactions(self) -> None:
        """Every partition gets an aborted batch and a marker, or only a marker."""
        for partition in range(self._partitions):
            self._log[TP(self._topic, partition)].hole(self._rng.randint(1, 4))

    def _append(self, key: bytes, value: bytes, at_ms: int) -> None:
        partition = partition_of(key, self._partitions)
        if self._rng.random() < 0.02:
            partition = self._rng.randrange(self._partitions)
        self._log[TP(self._topic, partition)].append(key, value, (), at_ms)
        self._sent.append((key, value))

    def _artist(self, n: int) -> str:
        """Of one artist in several writings."""
        return self._rng.choice(("Band {}", " BAND  {} ", "band {}")).format(n % ARTISTS)

    def _told(self, n: int) -> dict[str, str]:
        """What a play of track `n` says of who made it, and of its album: two of each artist's tracks in three are on one of their two."""
        told = {"artist": self._artist(n)} if self._tells and (n % 3 or self._rng.random() < 0.3) else {}
        if self._tells and n % 3:
            told["album"] = self._rng.choice(("Album {}", " album  {}")).format(n // ARTISTS % ALBUMS)
        return told

    def _decision(self, track: dict[str, Any], at_ms: int) -> dict[str, Any]:
        """About a track, about an artist, or about an event that may be anybody's."""
        rng = self._rng
        earlier = f"e{rng.randint(max(1, self._n - 40), self._n)}"
        match rng.choice(("like", "dislike", "block", "block", "unblock", "undo", "undo", "forget", "forget", "radio")):
            case "undo":
                return {"type": "undo", "undone_event_id": earlier}
            case "forget":
                return {"type": "forget", **rng.choice((track, {"forgotten_event_id": earlier}))}
            case "block" | "unblock" as kind if rng.random() < 0.4:
                until = rng.choice((None, at_ms + HOUR_MS))
                ends = {"until": until} if kind == "block" and until else {}
                return {"type": kind, "artist": self._artist(rng.randrange(ARTISTS)), **ends}
            case "block":
                # Ended before, in the midst of, or after what is played in the meantime; or never.
                until = rng.choice((None, at_ms - 48 * HOUR_MS, at_ms - 24 * HOUR_MS, at_ms + HOUR_MS))
                at = rng.choice((None, at_ms - 24 * HOUR_MS + self._n * 60_000))
                return {"type": "block", **track, **{name: ms for name, ms in (("until", until), ("at", at)) if ms is not None}}
            case "radio":
                return {"type": "radio", **rng.choice((track, {}, {"artist": "Ana"})), "n": rng.randint(1, 5)}
            case kind:
                return {"type": kind, **track}

    def _event(self, user: str, at_ms: int) -> dict[str, Any]:
        rng = self._rng
        event: dict[str, Any] = {"event_id": f"e{self._n}", "user_id": user}
        kind = rng.random()
        if kind < 0.03:
            return event | {"type": "erase"}
        if kind < 0.06:
            # Paused for long, a user would teach the worlds little.
            return event | {"type": rng.choice(("pause", "resume", "resume"))}
        number = min(rng.randrange(self._tracks), rng.randrange(self._tracks))
        track = {"track_id": f"t{number}"}
        if kind < 0.20:
            return event | self._decision(track, at_ms)
        event |= track | self._told(number)
        # Some come late, some long after.
        event["played_at"] = at_ms - HOUR_MS + self._n * 60_000 - (rng.random() < 0.1) * rng.randrange(10 * HOUR_MS) - 24 * HOUR_MS
        event["duration_ms"] = 180_000
        event["ms_played"] = rng.choice((5_000, 100_000, 180_000))
        if rng.random() < 0.7:
            event["session_id"] = f"{user}-{self._n // 25}"
        if rng.random() < 0.3:
            event["reason_end"] = rng.choice(("trackdone", "fwdbtn"))
        if rng.random() < 0.04:
            event["private"] = True
        if rng.random() < 0.15:
            event["import"] = {"source": "ab" * 32, "row": self._n - rng.randrange(3)}
        return event
