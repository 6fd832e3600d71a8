"""The closed loop: a list is shown, something is heard, it is learned, the next list is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec
import numpy as np

from benchmarks.simulator.contenders import Contender, Heard, track_id, user_id
from benchmarks.simulator.listener import Listener
from benchmarks.simulator.screen import LISTS, NOTHING, Shown, best_worth, looked_at, worth
from benchmarks.simulator.sessions import DAY_MS, Turn, rounds, turns
from benchmarks.simulator.tracks import F64, I64, Catalogue, new_catalogue

ROUND_PLAYS_MAX: Final = 50
END_MS: Final = 1_764_547_200_000
"""2025-12-01T00:00Z: where the simulated days end, in whole days, so that days and hours are those of the log."""
HEARD_OUT: Final = (0.55, 0.45)
"""A play is heard to its end with the chance of the first, and so much more as it was wanted; else it is a skip."""
SKIP_MS: Final = 15_000
IN_A_ROW: Final = 20
"""Lists of a listener over which different tracks are counted."""
_CATALOGUE, _SESSIONS, _LISTENERS = 1, 2, 3
"""Streams of random numbers of one seed."""


class Size(NamedTuple):
    """How large the world is."""

    users: int = 300
    days: int = 28
    tracks: int = 3_000
    styles: int = 32


class Record(NamedTuple):
    """What came of each turn; columns by list have two entries, `next` and `discover`."""

    user: I64  # (n,)
    day: I64  # (n,)
    worth: F64  # (n, 2) true chance that the play comes from the list
    best: F64  # (n, 2) of the best possible list
    taken: I64  # (n,) list that the play was taken from, -1 = own pick
    shown: I64  # (tracks, 2) times that each track stood in a list
    different: I64  # (n, 2) different tracks in the listener's last IN_A_ROW lists, at each IN_A_ROW-th; -1 = not counted here


Watch = Callable[[Turn, F64, Shown], None]
"""Told of each turn, before anything is heard: what is wanted (tracks,), and what is shown."""


class World:
    """Everything but who makes the lists; the same seed is the same world."""

    def __init__(self, size: Size, seed: int) -> None:
        self.size, self._seed = size, seed
        self.catalogue: Catalogue = new_catalogue(np.random.default_rng([seed, _CATALOGUE]), size.tracks, size.styles, size.days)
        self.turns = turns(np.random.default_rng([seed, _SESSIONS]), size.users, size.days)
        self.listeners = [Listener(np.random.default_rng([seed, _LISTENERS, user]), self.catalogue) for user in range(size.users)]
        self.plays: F64 = np.zeros(self.catalogue.n)
        self.events: list[bytes] = []
        """What was sent, in order."""
        n = len(self.turns)
        self.record = Record(
            user=np.array([turn.user for turn in self.turns], np.int64),
            day=np.array([turn.day for turn in self.turns], np.int64),
            worth=np.zeros((n, len(LISTS))),
            best=np.zeros((n, len(LISTS))),
            taken=np.full(n, -1, np.int64),
            shown=np.zeros((self.catalogue.n, len(LISTS)), np.int64),
            different=np.full((n, len(LISTS)), -1, np.int64),
        )
        self._last: list[list[tuple[I64, I64]]] = [[] for _ in range(size.users)]
        """Lists of each listener since they were counted."""

    def turn(self, row: int, turn: Turn, shown: Shown, watch: Watch | None) -> Heard:
        """Somebody looks, and plays something."""
        listener, at_s = self.listeners[turn.user], turn.at_ms / 1000
        if turn.opens:
            listener.open_session(turn.day)
        wanted, chance = listener.wants(at_s), listener.draws()
        if watch is not None:
            watch(turn, wanted, shown)
        self._judge(row, listener, wanted, shown)
        self._count(row, turn.user, shown)
        which, _, track = looked_at(shown, float(chance[0]))
        if which >= 0 and chance[1] < wanted[track]:
            self.record.taken[row] = which
        else:
            which, track = -1, listener.picks(wanted, self.plays, at_s, chance[2:5])
        heard_out = chance[5] < HEARD_OUT[0] + HEARD_OUT[1] * wanted[track]
        listener.hears(track, at_s)
        self.plays[track] += 1
        self.events.append(self._event(row, turn, track, bool(heard_out), shown.recommendation_id if which >= 0 else ""))
        return Heard(turn.user, track, turn.at_ms, self.events[-1])

    def _judge(self, row: int, listener: Listener, wanted: F64, shown: Shown) -> None:
        everything = np.ones(len(wanted))
        for which, free in enumerate((everything, listener.fresh)):
            tracks = shown.lists[which]
            self.record.worth[row, which] = worth(which, tracks, wanted)
            self.record.best[row, which] = best_worth(which, wanted, free)
            self.record.shown[tracks, which] += 1

    def _count(self, row: int, user: int, shown: Shown) -> None:
        last = self._last[user]
        last.append(shown.lists)
        if len(last) == IN_A_ROW:
            self.record.different[row] = [len(np.unique(np.concatenate(lists))) for lists in zip(*last, strict=True)]
            last.clear()

    def _event(self, row: int, turn: Turn, track: int, heard_out: bool, recommendation_id: str) -> bytes:
        duration_ms = int(self.catalogue.duration_ms[track])
        event = {
            "event_id": f"{self._seed}-{row}",
            "user_id": user_id(turn.user),
            "track_id": track_id(track),
            "played_at": END_MS - self.size.days * DAY_MS + turn.at_ms,
            "ms_played": duration_ms if heard_out else min(SKIP_MS, duration_ms // 3),
            "duration_ms": duration_ms,
            "session_id": f"{turn.user}-{turn.session}",
            "reason_end": "trackdone" if heard_out else "fwdbtn",
        }
        return msgspec.json.encode(event | ({"recommendation_id": recommendation_id} if recommendation_id else {}))


async def simulate(world: World, contender: Contender, show: Callable[[int], None], watch: Watch | None = None) -> Record:
    """Play all turns of a fresh world with the lists of `contender`."""
    shown: dict[int, Shown] = {}
    row = 0
    await contender.open()
    try:
        for some in rounds(world.turns, ROUND_PLAYS_MAX):
            heard = [world.turn(row + k, turn, shown.get(turn.user, NOTHING), watch) for k, turn in enumerate(some)]
            row += len(some)
            for turn, made in zip(some, await contender.hear(heard), strict=True):
                shown[turn.user] = made
            show(row)
    finally:
        await contender.close()
    return world.record
