"""From candidates to two lists: `next` (repeats allowed) and `discover` (never played by this user)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from online_models import candidates, history
from online_models.arrays import F32, I32, I64, U8
from online_models.candidates import Scratch
from online_models.finish_features import N_FEATURES
from online_models.hashmap import find
from online_models.history import UserArrays
from online_models.items import WINDOW
from online_models.kernel import kernel

LENGTH = 20
"""Entries of a list."""


class Lists(NamedTuple):
    """Ranked entries, one row of `LENGTH` per list; names are positions in the table of names."""

    length: I32  # (n,)
    track: I64  # (n, LENGTH)
    name: I32  # (n, LENGTH)
    share: F32  # (n, LENGTH) of the whole score
    source: U8  # (n, LENGTH)
    because: I32  # (n, LENGTH, 2) names, -1 = none
    known: U8  # (n, LENGTH) 1 = this user played it before
    finish: F32  # (n, LENGTH) chance of a finish, -1 = not predicted
    twin: I32  # (n, LENGTH) of `discover`: the place in the pair's `next` of the very same entry, -1 = it is not there
    x: F32  # (N_FEATURES,) room for one question to the finish model


def new_lists(n: int) -> Lists:
    """Room for `n` lists."""
    return Lists(
        length=np.zeros(n, np.int32),
        track=np.zeros((n, LENGTH), np.int64),
        name=np.zeros((n, LENGTH), np.int32),
        share=np.zeros((n, LENGTH), np.float32),
        source=np.zeros((n, LENGTH), np.uint8),
        because=np.zeros((n, LENGTH, 2), np.int32),
        known=np.zeros((n, LENGTH), np.uint8),
        finish=np.full((n, LENGTH), -1.0, np.float32),
        twin=np.full((n, LENGTH), -1, np.int32),
        x=np.zeros(N_FEATURES, np.float32),
    )


class Best(NamedTuple):
    """Places in the candidate table, best first, while a list is being picked."""

    next: I32  # (LENGTH,)
    discover: I32  # (LENGTH,)
    next_score: F32  # (LENGTH,)
    discover_score: F32  # (LENGTH,)
    n: I32  # (2,) lengths
    recent: I32  # (WINDOW,) names of the session's last tracks, newest first, -1 = none


def new_best() -> Best:
    """Room for one pair of lists."""
    return Best(
        next=np.zeros(LENGTH, np.int32),
        discover=np.zeros(LENGTH, np.int32),
        next_score=np.zeros(LENGTH, np.float32),
        discover_score=np.zeros(LENGTH, np.float32),
        n=np.zeros(2, np.int32),
        recent=np.zeros(WINDOW, np.int32),
    )


@kernel
def _insert(c: Scratch, best: I32, score: F32, n: int, i: int) -> int:
    """Put place `i` into the sorted `best[:n]`, larger score first; returns the new length.

    Equals go by the keyed hash, so that an id never decides.
    """
    mine, key = c.score[i], c.key[i]
    if n == LENGTH:
        if mine < score[n - 1] or (mine == score[n - 1] and key > c.key[best[n - 1]]):
            return n
        n -= 1
    j = n
    while j > 0 and (score[j - 1] < mine or (score[j - 1] == mine and c.key[best[j - 1]] > key)):
        best[j] = best[j - 1]
        score[j] = score[j - 1]
        j -= 1
    best[j] = i
    score[j] = mine
    return n + 1


@kernel
def _because(c: Scratch, i: int, source: int, recent: I32, out: I32) -> None:
    """Names of the user's plays that brought candidate `i`, at most two, newest first; -1 = none."""
    out[0] = -1
    out[1] = -1
    found = 0
    if source == candidates.AGAIN:
        out[0] = c.name[i]
        found = 1
    via = c.via[i]
    if via & candidates.OWN_BIT:
        via |= 1
    for k in range(WINDOW):
        if (via >> k) & 1 and recent[k] >= 0 and recent[k] != out[0]:
            out[found] = recent[k]
            found += 1
            if found == 2:
                return


@kernel
def _write(c: Scratch, best: I32, n: int, total: float, recent: I32, out: Lists, row: int) -> None:
    out.length[row] = n
    for j in range(n):
        i = best[j]
        out.track[row, j] = c.key[i]
        out.name[row, j] = c.name[i]
        out.share[row, j] = c.score[i] / total
        out.source[row, j] = candidates.source(c, i)
        out.known[row, j] = c.known[i]
        _because(c, i, out.source[row, j], recent, out.because[row, j])


@kernel
def _find_twins(c: Scratch, best: Best, out: Lists, row: int) -> None:
    """Half of `discover` stands in `next` too: it need not be predicted and written a second time."""
    for j in range(best.n[0]):
        c.via[best.next[j]] = j  # what brought the candidates has been told by now
        out.twin[row, j] = -1
    for j in range(best.n[1]):
        k = c.via[best.discover[j]]
        out.twin[row + 1, j] = k if k < best.n[0] and best.next[k] == best.discover[j] else -1


@kernel
def _note_missing(missing: I64, track: int) -> None:
    if missing[0] + 1 < missing.shape[0]:
        missing[0] += 1
        missing[missing[0]] = track


@kernel
def _pick(c: Scratch, users: UserArrays, s: int, name_keys: I64, name_slots: I32, best: Best, missing: I64) -> None:
    """Sort the best candidates into `best`; a bar per list keeps nearly all of them out at the price of one comparison."""
    n_next, n_new = 0, 0
    bar_next, bar_new = np.float32(0.0), np.float32(0.0)
    for u in range(c.n[0]):
        i = c.used[u]
        score, track = c.score[i], c.key[i]
        if score <= 0.0 or score < bar_new or history.is_blocked(users, s, track):
            continue  # the bar of `discover` is never above that of `next`
        c.name[i] = find(name_keys, name_slots, track)
        if c.name[i] < 0:
            _note_missing(missing, track)
            continue
        c.known[i] = history.has_played(users, s, track)
        if score >= bar_next:
            n_next = _insert(c, best.next, best.next_score, n_next, i)
            if n_next == LENGTH:
                bar_next = best.next_score[LENGTH - 1]
        if not c.known[i]:
            n_new = _insert(c, best.discover, best.discover_score, n_new, i)
            if n_new == LENGTH:
                bar_new = best.discover_score[LENGTH - 1]
    best.n[0] = n_next
    best.n[1] = n_new


@kernel
def rank(c: Scratch, users: UserArrays, s: int, name_keys: I64, name_slots: I32, best: Best, out: Lists, row: int, missing: I64) -> None:
    """Fill rows `row` (next) and `row + 1` (discover) of `out` for the user in slot `s`.

    A candidate whose name is not in memory yet is left out and noted in `missing` ([0] = how many).
    """
    _pick(c, users, s, name_keys, name_slots, best, missing)
    total = np.float32(1e-9)
    for u in range(c.n[0]):
        total += c.score[c.used[u]]
    n = users.head[s, history.N_HISTORY]
    for k in range(WINDOW):
        best.recent[k] = find(name_keys, name_slots, users.track[s, n - 1 - k]) if k < n else -1
    _write(c, best.next, best.n[0], total, best.recent, out, row)
    _write(c, best.discover, best.n[1], total, best.recent, out, row + 1)
    _find_twins(c, best, out, row)
