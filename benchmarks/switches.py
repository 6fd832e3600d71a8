"""Ways in which what people listen to may change from one day to the next, made of a log: from one play on it is another stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from numpy.random import Generator

from benchmarks.micro_rank import Log
from online_models.arrays import I64


class Switch(NamedTuple):
    """One way."""

    what: str
    change: Callable[[Log, int, Generator], Log]
    """The log before play `at` stays as it is."""


def nothing(log: Log, at: int, rng: Generator) -> Log:
    """The log as it is."""
    return log


def tracks(log: Log, at: int, rng: Generator) -> Log:
    """Everybody's tracks are others: each is played where another one was."""
    return _renamed(log, at, rng.permutation(len(log.key_of)))


def half(log: Log, at: int, rng: Generator) -> Log:
    """The same for half of the tracks."""
    other = np.arange(len(log.key_of))
    some = rng.permutation(len(other))[: len(other) // 2]
    other[some] = rng.permutation(some)
    return _renamed(log, at, other)


def _renamed(log: Log, at: int, other: I64) -> Log:
    track = log.track.copy()
    track[at:] = other[track[at:]]
    return log._replace(track=track, key=log.key_of[track])


def fresh(log: Log, at: int, rng: Generator) -> Log:
    """Nobody plays a second time what they played before: such plays are left out."""
    code = log.slot.astype(np.int64) * len(log.key_of) + log.track
    kept = np.arange(len(code)) < at
    kept[np.unique(code, return_index=True)[1]] = True
    return log._replace(**{name: getattr(log, name)[kept] for name in Log._fields if name != "key_of"})


def shuffled(log: Log, at: int, rng: Generator) -> Log:
    """The tracks of a session in any order."""
    session = log.session[at:]
    places = np.argsort(session, kind="stable")
    drawn = np.lexsort((rng.random(len(session)), session))
    source = np.arange(len(log.session))
    source[at + places] = at + drawn
    return log._replace(key=log.key[source], track=log.track[source], ms_played=log.ms_played[source])


def listeners(log: Log, at: int, rng: Generator) -> Log:
    """Everybody listens as somebody else did."""
    slot = log.slot.copy()
    slot[at:] = rng.permutation(int(slot.max()) + 1).astype(np.int32)[slot[at:]]
    return log._replace(slot=slot)


NONE: Final = "none"
SWITCHES: Final = {
    "tracks": Switch("every track is played where another one was", tracks),
    "half": Switch("half of the tracks are", half),
    "fresh": Switch("nobody plays again what they played before", fresh),
    "shuffled": Switch("sessions are shuffled", shuffled),
    "listeners": Switch("everybody listens as somebody else did", listeners),
    NONE: Switch("nothing is switched", nothing),
}
