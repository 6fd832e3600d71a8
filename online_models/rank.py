"""From candidates to two lists: `next` (repeats allowed) and `discover` (never played by this user)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from online_models import candidates, history
from online_models.arrays import F32, I32, I64, U8
from online_models.candidates import Scratch
from online_models.covisits import TrackArrays
from online_models.finish_features import N_FEATURES
from online_models.hashmap import expect, find
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
        finish=np.full((n, LENGTH), -1.0, np.float32),
        twin=np.full((n, LENGTH), -1, np.int32),
        x=np.zeros(N_FEATURES, np.float32),
    )


class Best(NamedTuple):
    """Candidates, best first, while the lists are being picked."""

    next: I32  # (LENGTH,)
    discover: I32  # (LENGTH,)
    next_score: F32  # (LENGTH,)
    discover_score: F32  # (LENGTH,)
    n: I32  # (2,) lengths
    listed: I32  # (2 * LENGTH,) candidates of either list, once each
    n_listed: I32  # (1,)
    recent: I32  # (WINDOW,) names of the session's last tracks, newest first, -1 = none


def new_best() -> Best:
    """Room for one pair of lists."""
    return Best(
        next=np.zeros(LENGTH, np.int32),
        discover=np.zeros(LENGTH, np.int32),
        next_score=np.zeros(LENGTH, np.float32),
        discover_score=np.zeros(LENGTH, np.float32),
        n=np.zeros(2, np.int32),
        listed=np.zeros(2 * LENGTH, np.int32),
        n_listed=np.zeros(1, np.int32),
        recent=np.zeros(WINDOW, np.int32),
    )


@kernel
def _insert(c: Scratch, best: I32, score: F32, n: int, i: int) -> int:
    """Put candidate `i` into the sorted `best[:n]`, larger score first; returns the new length.

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
def _write(c: Scratch, best: I32, n: int, total: float, recent: I32, out: Lists, row: int, first: bool) -> None:
    out.length[row] = n
    for j in range(n):
        i = best[j]
        out.track[row, j] = c.key[i]
        out.name[row, j] = c.name[i]
        out.finish[row, j] = c.finish[i]
        out.share[row, j] = c.score[i] / total
        out.twin[row, j] = -1 if first else c.twin[i]
        if out.twin[row, j] >= 0:
            continue  # the same entry as there: source and cause need not be told twice
        out.source[row, j] = candidates.source(c, i)
        _because(c, i, out.source[row, j], recent, out.because[row, j])


@kernel
def _pick(c: Scratch, users: UserArrays, s: int, best: Best) -> None:
    """Sort the best candidates into `best`; a bar per list keeps nearly all of them out at the price of one comparison."""
    n_next, n_new = 0, 0
    bar_next, bar_new = np.float32(0.0), np.float32(0.0)
    for i in range(c.n[0]):
        score = c.score[i]
        if score <= 0.0 or score < bar_new or history.is_blocked(users, s, c.key[i]):
            continue  # the bar of `discover` is never above that of `next`
        c.known[i] = history.has_played(users, s, c.key[i])
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
def _list(c: Scratch, best: Best) -> None:
    """Note in `best.listed` what stands in either list."""
    for j in range(best.n[1]):
        c.twin[best.discover[j]] = -1
    n = best.n[0]
    for j in range(n):
        best.listed[j] = best.next[j]
        c.twin[best.next[j]] = j
    for j in range(best.n[1]):
        if c.twin[best.discover[j]] < 0:
            best.listed[n] = best.discover[j]
            n += 1
    best.n_listed[0] = n


@kernel
def _find_names(c: Scratch, best: Best, name_keys: I64, name_slots: I32, missing: I64) -> bool:
    """Look up the names of what is listed; those that are not in memory are noted in `missing`."""
    all_known = True
    for j in range(best.n_listed[0]):
        i = best.listed[j]
        c.name[i] = find(name_keys, name_slots, c.key[i])
        if c.name[i] < 0:
            all_known = False
            if missing[0] + 1 < missing.shape[0]:
                missing[0] += 1
                missing[missing[0]] = c.key[i]
    return all_known


@kernel
def _leave_out_nameless(c: Scratch, name_keys: I64, name_slots: I32) -> None:
    for i in range(c.n[0]):
        if find(name_keys, name_slots, c.key[i]) < 0:
            c.score[i] = 0.0


@kernel
def pick(c: Scratch, users: UserArrays, s: int, name_keys: I64, name_slots: I32, tracks: TrackArrays, best: Best, missing: I64) -> None:
    """Choose both lists of the user in slot `s`, and look up the names of what is listed.

    A candidate whose name is not in memory yet is left out and noted in `missing` ([0] = how many). That is rare: so the
    lists are picked without a look at the names, and once more where one turns out to be missing.
    """
    _pick(c, users, s, best)
    _list(c, best)
    for j in range(best.n_listed[0]):
        key = c.key[best.listed[j]]
        expect(name_keys, name_slots, key)
        expect(tracks.map_keys, tracks.map_slots, key)
    if not _find_names(c, best, name_keys, name_slots, missing):
        _leave_out_nameless(c, name_keys, name_slots)
        _pick(c, users, s, best)
        _list(c, best)
        _find_names(c, best, name_keys, name_slots, missing)


@kernel
def write(c: Scratch, users: UserArrays, s: int, name_keys: I64, name_slots: I32, best: Best, total: float, out: Lists, row: int) -> None:
    """Fill rows `row` (next) and `row + 1` (discover) of `out`; `total` is the score of all candidates."""
    n = users.head[s, history.N_HISTORY]
    for k in range(WINDOW):
        best.recent[k] = find(name_keys, name_slots, users.track[s, n - 1 - k]) if k < n else -1
    _write(c, best.next, best.n[0], total, best.recent, out, row, True)
    _write(c, best.discover, best.n[1], total, best.recent, out, row + 1, False)
