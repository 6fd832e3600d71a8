"""Neighbours: per track, the tracks played near it in people's sessions, on either side, with several counts each.

A row is a pure fold of its items and bounded: the strongest neighbours come first, a new one takes the place of the
weakest. Equals stay in the order of their last rise, so no id ever decides.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from online_models.arrays import F32, I32, I64, U32, zeros
from online_models.kernel import kernel

# Columns of `count` and of `total`.
NEXT, WINDOW, BEFORE, NEAR, SKIP_ONE, GAPLESS, PEOPLE, FRESH = range(8)
N_COUNTS = 8

FRESH_S = 60 * 24 * 3600
"""Time in which a play's part in FRESH falls to 1/e (facts: 60 days)."""
NEAR_KEPT = 0.9
"""A neighbour one play further away counts this much (facts: 0.9)."""
KEPT_A_DAY, FADED_DAYS = 0.97716, 1_000
"""In an artist's row a play counts half after 30 days (facts: what did best of popularity on 30Music), and after so many days nothing."""


class Neighbours(NamedTuple):
    """One row per track's slot; the same slots as `track_state.TrackArrays`."""

    n: I32  # (n,) neighbours held
    dst: I64  # (n, entries)
    counts: F32  # (n, entries, N_COUNTS)
    at_s: U32  # (n, entries) when it last came right after the track
    person: U32  # (n, entries) who played that
    total: F32  # (n, N_COUNTS) over all neighbours ever


def new_neighbours(n_slots: int, entries: int) -> Neighbours:
    """Empty rows."""
    return Neighbours(
        n=zeros(n_slots, np.int32),
        dst=zeros((n_slots, entries), np.int64),
        counts=zeros((n_slots, entries, N_COUNTS), np.float32),
        at_s=zeros((n_slots, entries), np.uint32),
        person=zeros((n_slots, entries), np.uint32),
        total=zeros((n_slots, N_COUNTS), np.float32),
    )


@kernel
def reset(row: Neighbours, s: int) -> None:
    """Make slot `s` a track without neighbours."""
    row.n[s] = 0
    row.total[s, :] = 0.0


@kernel
def _strength(row: Neighbours, s: int, e: int) -> np.float32:
    return row.counts[s, e, WINDOW] + row.counts[s, e, BEFORE]


@kernel
def _swap(row: Neighbours, s: int, a: int, b: int) -> None:
    for k in range(N_COUNTS):
        row.counts[s, a, k], row.counts[s, b, k] = row.counts[s, b, k], row.counts[s, a, k]
    row.dst[s, a], row.dst[s, b] = row.dst[s, b], row.dst[s, a]
    row.at_s[s, a], row.at_s[s, b] = row.at_s[s, b], row.at_s[s, a]
    row.person[s, a], row.person[s, b] = row.person[s, b], row.person[s, a]


@kernel
def _rise(row: Neighbours, s: int, e: int) -> None:
    """Entry `e` grew: it goes before all that are not stronger."""
    while e > 0 and _strength(row, s, e - 1) <= _strength(row, s, e):
        _swap(row, s, e - 1, e)
        e -= 1


@kernel
def _entry(row: Neighbours, s: int, dst: int) -> int:
    """Place of `dst`, a new one if need be."""
    n = row.n[s]
    for e in range(n):
        if row.dst[s, e] == dst:
            return e
    if n < row.dst.shape[1]:
        row.n[s] = n + 1
    else:
        n -= 1
    row.dst[s, n] = dst
    row.counts[s, n, :] = 0.0
    row.at_s[s, n] = 0
    row.person[s, n] = 0
    return n


@kernel
def _add(row: Neighbours, s: int, e: int, column: int, weight: float) -> None:
    row.counts[s, e, column] += np.float32(weight)
    row.total[s, column] += np.float32(weight)


@kernel
def learn_after(row: Neighbours, s: int, dst: int, lag: int, at_s: int, gapless: bool, person: int) -> np.float32:
    """`dst` was played `lag` (1..) plays after the track in slot `s`, by `person` (a hash, not 0).

    Returns how strongly the two were tied before.
    """
    e = _entry(row, s, dst)
    met = _strength(row, s, e)
    if lag == 1:
        _add(row, s, e, NEXT, 1.0)
        if gapless:
            _add(row, s, e, GAPLESS, 1.0)
        if row.person[s, e] != person:
            _add(row, s, e, PEOPLE, 1.0)
        age_s = np.float32(max(at_s - np.int64(row.at_s[s, e]), 0))
        kept = row.counts[s, e, FRESH] * np.float32(np.exp(-age_s / np.float32(FRESH_S)))
        row.counts[s, e, FRESH] = kept + np.float32(1.0)
        row.at_s[s, e] = at_s
        row.person[s, e] = person
    elif lag == 2:
        _add(row, s, e, SKIP_ONE, 1.0)
    _add(row, s, e, WINDOW, 1.0 / lag)
    _add(row, s, e, NEAR, NEAR_KEPT ** (lag - 1))
    _rise(row, s, e)
    return met


@kernel
def _fade(row: Neighbours, s: int, days: int) -> None:
    """So many days went by. By whole days and one multiplication each, for a power may round in one way here and in another there."""
    kept = np.float32(1.0)
    for _ in range(min(days, FADED_DAYS)):
        kept *= np.float32(KEPT_A_DAY)
    for e in range(row.n[s]):
        row.counts[s, e, WINDOW] *= kept
    row.total[s, WINDOW] *= kept


@kernel
def learn_made(row: Neighbours, s: int, dst: int, days: int) -> None:
    """`dst`, a track of the artist in slot `s`, was played, `days` after what the row knows: WINDOW counts plays, those of late most."""
    if days > 0:
        _fade(row, s, days)
    e = _entry(row, s, dst)
    _add(row, s, e, WINDOW, 1.0)
    _rise(row, s, e)


@kernel
def learn_before(row: Neighbours, s: int, src: int, lag: int) -> np.float32:
    """`src` was played `lag` (1..) plays before the track in slot `s`; returns how strongly the two were tied."""
    e = _entry(row, s, src)
    met = _strength(row, s, e)
    _add(row, s, e, BEFORE, 1.0 / lag)
    _add(row, s, e, NEAR, NEAR_KEPT ** (lag - 1))
    _rise(row, s, e)
    return met
