"""What share a candidate's genre has in the user's taste, and its micro-genre in the session: two features of stage 2.

A genre's share counts the user's newest plays, skips left out, each less than the one after it; a micro-genre's the session's last
tracks. What counts is how far a candidate's share lies above those of the others, so that a track of which nobody knows the genre is
neither for nor against.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from online_models import history
from online_models import rankings as kept
from online_models.arrays import F32, I32, I64
from online_models.hashmap import expect
from online_models.history import UserArrays
from online_models.items import SKIPPED
from online_models.kernel import kernel
from online_models.lanes import log_scaled
from online_models.micro_genres import NUMBERS_MAX, MicroGenres, cluster_of
from online_models.moment import Known, Moment
from online_models.rankings import Rankings
from online_models.releases import AGES

PLAYS: Final = 48
"""Newest plays that make a taste: the 48th counts a tenth of the last."""
KEPT: Final = 0.953
"""A play counts so much of the one after it."""
ASKED_MAX: Final = 256
"""Names that a round may ask about for a taste's sake, in one read of a millisecond or two: a new worker knows its tracks after some 100
rounds, and until then those that it does not know are neither for nor against."""
SCALE, NORM = 20.0, 0.3285
"""`NORM` x ln(1 + `SCALE` x share) lies between 0 and 1: from .1 to .2 is as far as from .4 to .75."""


class Taste(NamedTuple):
    """Scratch of one ranking."""

    genre: F32  # (NUMBERS_MAX,) share of each genre in the user's newest plays
    micro: F32  # (NUMBERS_MAX,) share of each micro-genre in the session's last tracks
    cluster: I32  # (best,) of the candidates, -1 = nowhere


def new_taste(best: int) -> Taste:
    """Nobody's."""
    return Taste(np.zeros(NUMBERS_MAX, np.float32), np.zeros(NUMBERS_MAX, np.float32), np.zeros(best, np.int32))


@kernel
def _count(share: F32, number: I32, cluster: int, weight: float) -> float:
    """Count what is in `cluster`; returns what was counted."""
    k = number[cluster] if cluster >= 0 else -1
    if k < 0:
        return 0.0
    share[k] += np.float32(weight)
    return weight


@kernel
def _of_user(share: F32, known: MicroGenres, users: UserArrays, s: int, missing: I64) -> None:
    """Share of each genre in the user's newest plays."""
    n = users.head[s, history.N_HISTORY]
    for j in range(max(n - PLAYS, 0), n):
        expect(known.keys, known.slots, users.track[s, j])
    weight, total = 1.0, 1e-9
    for k in range(min(n, PLAYS)):
        if not users.flags[s, n - 1 - k] & SKIPPED:
            total += _count(share, known.genre, cluster_of(known, users.track[s, n - 1 - k], missing, ASKED_MAX), weight)
        weight *= KEPT
    _scale(share, total)


@kernel
def _of_session(share: F32, known: MicroGenres, moment: Moment, missing: I64) -> None:
    """Share of each micro-genre in the session's last tracks."""
    weight, total = 1.0, 1e-9
    for k in range(moment.n[0]):
        total += _count(share, known.micro, cluster_of(known, moment.key[k], missing, ASKED_MAX), weight)
        weight *= AGES
    _scale(share, total)


@kernel
def _scale(share: F32, total: float) -> None:
    scale = np.float32(1.0 / total)
    for k in range(NUMBERS_MAX):
        share[k] *= scale


@kernel
def _write(row: F32, share: F32, number: I32, cluster: I32, n: int) -> None:
    """How far each candidate's share lies above the mean of those of which it is known; 0 where it is not."""
    total, counted = np.float32(0.0), np.float32(1e-9)
    for m in range(n):
        k = number[cluster[m]] if cluster[m] >= 0 else -1
        if k >= 0:
            row[m] = log_scaled(share[k], SCALE, NORM)
            total += row[m]
            counted += np.float32(1.0)
    for m in range(n):
        k = number[cluster[m]] if cluster[m] >= 0 else -1
        if k >= 0:
            row[m] -= total / counted


@kernel
def fill(taste: Taste, known: Known, s: int, moment: Moment, rankings: Rankings, r: int, missing: I64) -> None:
    """Note both shares of ranking `r`'s candidates, which are for the user in slot `s`; 0 = not known."""
    where, n = known.genres, rankings.n[r]
    rankings.placed[r] = where.micro.shape[0] > 0
    if not rankings.placed[r]:
        return
    genre, micro = rankings.track[r, kept.GENRE], rankings.track[r, kept.MICRO]
    genre[:] = 0.0
    micro[:] = 0.0
    for m in range(n):
        expect(where.keys, where.slots, rankings.key[r, m])
    taste.genre[:] = 0.0
    taste.micro[:] = 0.0
    _of_user(taste.genre, where, known.users, s, missing)
    _of_session(taste.micro, where, moment, missing)
    for m in range(n):
        taste.cluster[m] = cluster_of(where, rankings.key[r, m], missing, ASKED_MAX)
    _write(genre, taste.genre, where.genre, taste.cluster, n)
    _write(micro, taste.micro, where.micro, taste.cluster, n)
