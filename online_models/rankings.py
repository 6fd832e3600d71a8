"""Rankings that wait for the play that they foretold: what the ranker learns from when it comes.

The newest rankings of the users, bounded: a user's next ranking takes the place of the last; where there is no room the
oldest place gives way, and that user's next play teaches nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from online_models.aims import N_AIMS
from online_models.arrays import F32, I32, I64, U8
from online_models.context import N_CONTEXTS
from online_models.history import RANKING, UserArrays
from online_models.kernel import kernel
from online_models.signals import N_SIGNALS

# Rows of `track`.
PLAYS, POPULAR, NEXTS, KINDRED = range(4)
COSINES = 4
GENRE, MICRO = COSINES + N_AIMS, COSINES + N_AIMS + 1
N_TRACK = COSINES + N_AIMS + 2


class Rankings(NamedTuple):
    """One place per ranking; `best` candidates each, padded with zeros."""

    owner: I32  # (n,) user's slot, -1 = none yet; the user's `history.RANKING` says where
    given: I64  # (1,) places given so far: the next is given % n
    n: I32  # (n,) candidates
    key: I64  # (n, best)
    signal: F32  # (n, N_SIGNALS, best)
    track: F32  # (n, N_TRACK, best) what is known of the candidates themselves
    placed: U8  # (n,) 1 = GENRE and MICRO hold; 0 = nobody knows where tracks belong, and neither row is touched
    prior: F32  # (n, best) share that the mixture gives
    share: F32  # (n, N_SIGNALS) the mixture's trust in each signal
    part: F32  # (n, N_SIGNALS) the same for one unit of the signal
    context: F32  # (n, N_CONTEXTS)


def new_rankings(n: int, best: int) -> Rankings:
    """Room for `n` rankings of `best` candidates (a multiple of eight)."""
    if best % 8:
        raise ValueError(f"best={best} is no multiple of eight")
    return Rankings(
        owner=np.full(n, -1, np.int32),
        given=np.zeros(1, np.int64),
        n=np.zeros(n, np.int32),
        key=np.zeros((n, best), np.int64),
        signal=np.zeros((n, N_SIGNALS, best), np.float32),
        track=np.zeros((n, N_TRACK, best), np.float32),
        placed=np.zeros(n, np.uint8),
        prior=np.zeros((n, best), np.float32),
        share=np.zeros((n, N_SIGNALS), np.float32),
        part=np.zeros((n, N_SIGNALS), np.float32),
        context=np.zeros((n, N_CONTEXTS), np.float32),
    )


@kernel
def give(rankings: Rankings, users: UserArrays, s: int) -> int:
    """The place of the ranking that is made for the user in slot `s` now."""
    if users.head[s, RANKING] > 0:
        return users.head[s, RANKING] - 1
    r = rankings.given[0] % rankings.owner.shape[0]
    rankings.given[0] += 1
    before = rankings.owner[r]
    if before >= 0 and users.head[before, RANKING] == r + 1:
        users.head[before, RANKING] = 0
    rankings.owner[r] = s
    users.head[s, RANKING] = r + 1
    return r


@kernel
def place(rankings: Rankings, r: int, key: int) -> int:
    """Where `key` is among the candidates of ranking `r`, or -1."""
    for m in range(rankings.n[r]):
        if rankings.key[r, m] == key:
            return m
    return -1
