"""A log of a simulated audience played through a plays worker in memory, and one user's part of it replayed by the kernel alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
from xxhash import xxh3_64_intdigest

from console.audience import Audience, TimeLapse, event
from infra.settings import Settings
from online_models import history, plays, rank
from online_models.events import PLAY, Events
from online_models.moment import Known
from online_models.plays import World
from online_models.weights import decode, encode
from streams.artists import album_hash
from streams.ids import id_hash
from streams.partitioner import partition_of
from streams.small_ranking import Ranked, SmallRanking
from tests.events_log import APPENDED_MS
from tests.small_world import SmallWorld

SETTINGS = Settings(events_partitions=2, deltas_partitions=3, user_rows_max=256, track_rows_max=4096, explore_share=0.0)
ROUND_PLAYS = 100
DAY_MS = 86_400_000
Event = Mapping[str, Any]


def audience_log(n: int, n_users: int, seed: int = 5) -> list[Event]:
    """The first `n` plays of an audience, in the order of the log."""
    lapse = TimeLapse(APPENDED_MS - 30 * DAY_MS, 1.0)
    return [event(listen, lapse, run="r") for listen in islice(Audience(seed, n_users=n_users).listens(), n)]


class RecordedLog(SmallWorld):
    """A worker whose clock goes on, so that it writes down what the ranker learned."""

    def __init__(self, log: Sequence[Event], settings: Settings = SETTINGS) -> None:
        self._ms = APPENDED_MS
        super().__init__(settings)
        self.events = log

    def now_ms(self) -> int:
        self._ms += 6_000
        return self._ms

    async def run(self) -> RecordedLog:
        """Play the whole log."""
        await self.claim_all()
        for start in range(0, len(self.events), ROUND_PLAYS):
            await self.play(*self.events[start : start + ROUND_PLAYS])
        return self

    def of_user(self) -> dict[str, list[Event]]:
        """Each user's plays that were not private."""
        found: defaultdict[str, list[Event]] = defaultdict(list)
        for play in self.events:
            if not play.get("private"):
                found[play["user_id"]].append(play)
        return dict(found)

    async def open(self, user: str) -> SmallRanking:
        """The user's ranking, from what stands in the store."""
        world = SmallRanking(self.settings, self.store)
        await world.open(user, partition_of(user.encode(), self.settings.events_partitions), self.user(user)["row"])
        return world


def replay(world: SmallRanking, log: Sequence[Event], *, keep_pulse: bool) -> Ranked:
    """Rank behind a log of the world's user that is played anew, play by play; the tables and the weights stay as they are.

    Parameters
    ----------
    keep_pulse: the user's running means are those of the stored row, not those of the replay.
    """
    users, s = world.users.arrays, world.slot
    world.put_back()
    pulse, head = users.pulse[s].copy(), users.head[s].copy()
    history.reset(users, s)
    if log:
        known = Known(users, world.tracks.arrays, *world.popular)
        names = World(world.names.table(), plays.NO_FINISH, 0.0, True)
        weights, best, lists = decode(encode(world.weights)), rank.new_best(), rank.new_lists(2 * len(log))
        out, missing = plays.new_outcomes(len(log)), np.zeros(64, np.int64)
        plays.handle(known, _events(world, log), names, world.ranker, weights, best, lists, out, missing)
    if keep_pulse:
        users.pulse[s] = pulse
    if users.head[s, history.SESSION] == head[history.SESSION]:
        # The tables know this session by these numbers, and it is none that was only like it.
        for column in (history.FIRST_AT, history.SESSIONS):
            users.head[s, column] = head[column]
    return world.rank(world.nothing())


def signed(x: int) -> int:
    """The signed 64-bit integer of the same bits."""
    return (x ^ 1 << 63) - (1 << 63)


def _events(world: SmallRanking, log: Sequence[Event]) -> Events:
    def column(kind: Any, value: Any) -> Any:
        return np.array([value(play) if callable(value) else value for play in log], kind)

    return Events(
        slot=column(np.int32, world.slot),
        kind=column(np.uint8, PLAY),
        track=column(np.int64, lambda play: world.names.hash(play["track_id"])),
        at_ms=column(np.int64, lambda play: play["played_at"]),
        event_hash=column(np.int64, lambda play: id_hash(play["event_id"], b"event")),
        session=column(np.int64, lambda play: signed(xxh3_64_intdigest(play["session_id"].encode()))),
        ms_played=column(np.int32, lambda play: play["ms_played"]),
        duration_ms=column(np.int32, lambda play: play["duration_ms"]),
        ended=column(np.uint8, lambda play: 1 if play["reason_end"] == "trackdone" else 2),
        private=column(np.uint8, 0),
        import_source=column(np.int64, 0),
        import_row=column(np.int64, 0),
        target=column(np.int64, 0),
        until_s=column(np.uint32, 0),
        artist=column(np.int64, 0),
        album=column(np.int64, lambda play: album_hash(play["artist"], play["album"], world.settings.id_key.encode())),
    )
