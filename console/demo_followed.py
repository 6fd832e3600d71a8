"""One listener whom the demo follows: their lists with reasons, and how a skip and a block change the next one.

Skip and block are real events on the same topic as everybody's. The demo decides when, the list decides what:
the highest entry that the listener is not hearing already. A skip waits for a list whose first entry that is: when the
first one is under way it may hold .99 of the chance, and all others rise once it is heard, skipped or not.
Each effect is read off the list that answers the event.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping
from typing import Any, Final, Literal

import msgspec

from console.audience import Listen
from console.audience_catalogue import Track
from console.demo_result import Effect
from console.demo_view import Entry, Followed, Heard

N_HEARD: Final = 5
N_ENTRIES: Final = 5
SKIP_AFTER_S: Final = 10.0
BLOCK_AFTER_S: Final = 15.0
SKIP_AT_SHARE, BLOCK_AT_SHARE = 1 / 3, 1 / 2
"""In a short demo they come sooner: at these shares of its time."""
SKIPPED_AFTER_MS: Final = 1_500
"""Shorter than the audience's pause between two plays, in which the skip takes place."""

Kind = Literal["skip", "block"]


class ListCause(msgspec.Struct):
    """Which event a list answers, and where that lies in its partition."""

    event_id: str
    offset: int


class ListedTrack(msgspec.Struct):
    """One recommended track, what proposed it, and the tracks whose plays did."""

    track_id: str
    source: str
    because: list[str] = []


class ListPair(msgspec.Struct):
    """The part of a recommendation that is shown of the followed listener."""

    cause: ListCause
    next: list[ListedTrack]
    discover: list[ListedTrack]


class Act:
    """A skip or a block that the demo makes the listener do; `place`s count from 1."""

    def __init__(self, kind: Kind, due_s: float, event_id: str) -> None:
        self.kind, self.due_s, self.event_id = kind, due_s, event_id
        self.track: Track | None = None
        self.place = 0
        self.sent_s = 0.0
        self.ms: float | None = None
        self.place_after: int | None = None

    def effect(self, user_id: str) -> Effect | None:
        """What became of it; None = it was never sent."""
        if self.track is None:
            return None
        return Effect(self.kind, user_id, self.track.track_id, self.track.title, self.place, self.place_after, self.ms)


class FollowedListener:
    """What is known of the listener `user_id` from their events and their lists.

    Parameters
    ----------
    seconds : how long the demo plays, 0 = without end
    tracks : everything that was played so far, by id
    """

    def __init__(self, user_id: str, *, run: str, seconds: float, tracks: Mapping[str, Track]) -> None:
        self.user_id, self._tracks = user_id, tracks
        self._key = user_id.encode()
        limit_s = seconds or float("inf")
        self.skip = Act("skip", min(SKIP_AFTER_S, limit_s * SKIP_AT_SHARE), f"{run}-skip")
        self.block = Act("block", min(BLOCK_AFTER_S, limit_s * BLOCK_AT_SHARE), f"{run}-block")
        self.lists_since_block = 0
        self.blocked_listed = 0
        """Of those, the ones with the blocked track."""
        self._heard: deque[Heard] = deque(maxlen=N_HEARD)
        self.music: list[str] = []
        """What the models say of them, in words, the leaning first (`demo_music.py`)."""
        self._decoder = msgspec.json.Decoder(ListPair)
        self._list: list[ListedTrack] = []
        self._answers, self._offset = "", -1
        self._newest: Listen | None = None
        self._newest_event = ""

    def sent(self, listen: Listen, event_id: str) -> None:
        """A play of this listener is on its way."""
        listed = listen.track.track_id in [entry.track_id for entry in self._list] if self._list else None
        self._heard.append(Heard(listen.track.title, listed, event_id == self.skip.event_id))
        if not listen.private:
            self._newest, self._newest_event = listen, event_id

    def due_act(self, elapsed_s: float, hearing: Track | None) -> Act | None:
        """The act whose time has come, with its track; only while the newest list answers the newest event."""
        act = next((each for each in (self.skip, self.block) if each.track is None), None)
        if act is None or elapsed_s < act.due_s or self._answers != self._newest_event:
            return None
        spared = {track.track_id for track in (hearing, self.skip.track) if track is not None}
        found = self._highest(spared)
        if found is None or (act is self.skip and found[0] > 1 and elapsed_s < self.block.due_s):
            return None
        act.place, act.track = found
        return act

    def skip_of(self, track: Track) -> Listen:
        """The listener begins `track` after their newest play, and breaks it off at once."""
        newest = self._newest
        assert newest is not None, "an act is due after a list, and a list answers a play"
        return newest._replace(
            started_ms=newest.ended_ms,
            ended_ms=newest.ended_ms + SKIPPED_AFTER_MS,
            track=track,
            ms_played=SKIPPED_AFTER_MS,
            reason_end="fwdbtn",
        )

    def block_of(self, track: Track) -> dict[str, Any]:
        """The block event of the contract; without a time it is done when it is appended."""
        return {"type": "block", "event_id": self.block.event_id, "user_id": self.user_id, "track_id": track.track_id}

    def sent_block(self) -> None:
        self._newest_event = self.block.event_id

    def is_of(self, key: bytes | None) -> bool:
        return key == self._key

    def read(self, raw: bytes, now_s: float) -> None:
        """A list of this listener came; one that is not newer than what is known is a repetition."""
        pair = self._decoder.decode(raw)
        if pair.cause.offset <= self._offset:
            return
        self._list, self._answers, self._offset = pair.next, pair.cause.event_id, pair.cause.offset
        for act in (self.skip, self.block):
            if act.track is not None and act.event_id == pair.cause.event_id:
                act.ms = (now_s - act.sent_s) * 1_000
                act.place_after = _place(pair.next, act.track.track_id)
        if self.block.track is not None and self.block.ms is not None:
            self.lists_since_block += 1
            self.blocked_listed += _place([*pair.next, *pair.discover], self.block.track.track_id) is not None

    def listed(self) -> list[str]:
        """The tracks of their list now."""
        return [entry.track_id for entry in self._list]

    def view(self) -> Followed:
        """What is shown."""
        effects = [act.effect(self.user_id) for act in (self.skip, self.block)]
        return Followed(
            self.user_id,
            self.music,
            list(self._heard),
            [self._entry(entry) for entry in self._list[:N_ENTRIES]],
            [effect.told() for effect in effects if effect is not None and effect.ms is not None],
        )

    def _highest(self, spared: Collection[str]) -> tuple[int, Track] | None:
        """Place and track of the first entry that may be acted on."""
        for place, entry in enumerate(self._list, start=1):
            if entry.track_id not in spared and entry.track_id in self._tracks:
                return place, self._tracks[entry.track_id]
        return None

    def _entry(self, entry: ListedTrack) -> Entry:
        track = self._tracks.get(entry.track_id)
        title = f"{track.title} · {track.artist}" if track is not None else entry.track_id
        return Entry(title, entry.source, [self._title(cause) for cause in entry.because])

    def _title(self, track_id: str) -> str:
        return self._tracks[track_id].title if track_id in self._tracks else track_id


def _place(entries: list[ListedTrack], track_id: str) -> int | None:
    """Counted from 1; None = it is not there."""
    return next((place for place, entry in enumerate(entries, start=1) if entry.track_id == track_id), None)
