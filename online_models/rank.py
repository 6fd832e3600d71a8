"""From candidates to two lists: `next` (repeats allowed) and `discover` (never played by this user)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from online_models import history, pool, signals
from online_models.arrays import F32, I32, I64, U8
from online_models.artists import NOT_SAID, NameTable, known_artist, note_missing
from online_models.finish_features import N_FEATURES
from online_models.hashmap import expect, find
from online_models.history import UserArrays
from online_models.items import SKIPPED, WINDOW
from online_models.kernel import kernel
from online_models.moment import PAST_BIT, Moment, newest_past
from online_models.pool import CANDIDATES_MAX, Pool
from online_models.signals import FIRST_SIGNAL, SOURCES
from online_models.track_state import TrackArrays

LENGTH = 20
"""Entries of a list."""
SKIPPED_AT_ONCE, SKIPPED_LATE = 0.2, 0.6
"""What this user skipped lately counts this much, each time: the less, the sooner it was skipped."""
ARTISTS = 1024
"""Places of the table of artists: a power of two above the candidates."""
CAUSES = PAST_BIT + 5
"""Plays that can have brought a candidate: bits of `Pool.via`."""


class Cap(NamedTuple):
    """Tracks of one artist that each list holds at most, as far as artists are known; 0 = any number."""

    next: int
    discover: int


NO_CAP = Cap(0, 0)


class Lists(NamedTuple):
    """Ranked entries, one row of `LENGTH` per list; names are positions in the table of names."""

    length: I32  # (n,)
    track: I64  # (n, LENGTH)
    name: I32  # (n, LENGTH)
    share: F32  # (n, LENGTH) chance that it is next
    source: U8  # (n, LENGTH)
    because: I32  # (n, LENGTH, 2) names, -1 = none
    finish: F32  # (n, LENGTH) chance of a finish, -1 = not predicted
    twin: I32  # (n, LENGTH) of `discover`: the place in the pair's `next` of the same track, -1 = it is not there
    among: I32  # (n,) of `discover`: free candidates that explored places were drawn from (`explore.py`)
    explored: U8  # (n, LENGTH) of `discover`: DRAWN, KEPT or 0
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
        among=np.zeros(n, np.int32),
        explored=np.zeros((n, LENGTH), np.uint8),
        x=np.zeros(N_FEATURES, np.float32),
    )


class Best(NamedTuple):
    """Candidates, best first, while the lists are being picked; columns by candidate hold for those that are listed."""

    next: I32  # (LENGTH,)
    discover: I32  # (LENGTH,)
    next_chance: F32  # (LENGTH,)
    discover_chance: F32  # (LENGTH,)
    n: I32  # (2,) lengths
    listed: I32  # (2 * LENGTH,) candidates of either list, once each
    n_listed: I32  # (1,)
    cause: I32  # (CAUSES,) names of the plays behind the bits of `via`, -1 = none
    name: I32  # (CANDIDATES_MAX,) position in the table of names
    known: U8  # (CANDIDATES_MAX,) 1 = this user played it before
    artist: I64  # (CANDIDATES_MAX,) of those that came near to a list; 0 = not known, or there is no cap
    finish: F32  # (CANDIDATES_MAX,) chance of a finish, -1 = not predicted
    twin: I32  # (CANDIDATES_MAX,) its place in `next`, -1 = it is not there
    slot: I32  # (2 * LENGTH,) of the row of each listed track, -1 = not in memory
    among: I32  # (1,) free candidates, as in `Lists`
    explored: U8  # (LENGTH,) places of `discover`
    free: I32  # (CANDIDATES_MAX,) candidates that an explored place may get
    lean: I32  # (WINDOW,) rows of micro-genres of the session's last tracks (`releases.py`)
    stands: U8  # (CANDIDATES_MAX,) 1 = in either list, while they are looked for
    met: I64  # (ARTISTS,) a table by hash: artists that were met while free candidates are looked for, 0 = none
    n_met: U8  # (ARTISTS,) how many of their tracks


def new_best() -> Best:
    """Room for one pair of lists."""
    return Best(
        next=np.zeros(LENGTH, np.int32),
        discover=np.zeros(LENGTH, np.int32),
        next_chance=np.zeros(LENGTH, np.float32),
        discover_chance=np.zeros(LENGTH, np.float32),
        n=np.zeros(2, np.int32),
        listed=np.zeros(2 * LENGTH, np.int32),
        n_listed=np.zeros(1, np.int32),
        cause=np.zeros(CAUSES, np.int32),
        name=np.zeros(CANDIDATES_MAX, np.int32),
        known=np.zeros(CANDIDATES_MAX, np.uint8),
        artist=np.zeros(CANDIDATES_MAX, np.int64),
        finish=np.zeros(CANDIDATES_MAX, np.float32),
        twin=np.zeros(CANDIDATES_MAX, np.int32),
        slot=np.zeros(2 * LENGTH, np.int32),
        among=np.zeros(1, np.int32),
        explored=np.zeros(LENGTH, np.uint8),
        free=np.zeros(CANDIDATES_MAX, np.int32),
        lean=np.zeros(WINDOW, np.int32),
        stands=np.zeros(CANDIDATES_MAX, np.uint8),
        met=np.zeros(ARTISTS, np.int64),
        n_met=np.zeros(ARTISTS, np.uint8),
    )


@kernel
def damp(c: Pool, users: UserArrays, s: int) -> None:
    """What this user skipped lately is less likely than the ranker thinks: skips teach it nothing."""
    for j in range(users.head[s, history.N_HISTORY]):
        if users.flags[s, j] & SKIPPED:
            i = pool.index(c, users.track[s, j])
            if i >= 0:
                heard = np.float32(users.flags[s, j] >> history.HEARD_SHIFT) / np.float32(15.0)
                c.chance[i] *= np.float32(SKIPPED_AT_ONCE) + np.float32(SKIPPED_LATE - SKIPPED_AT_ONCE) * heard


@kernel
def _insert(best: I32, chance: F32, n: int, i: int, mine: float) -> int:
    """Put candidate `i` into the sorted `best[:n]`, the likelier first; equals keep the order in which they were met."""
    if n == LENGTH:
        if mine <= chance[n - 1]:
            return n
        n -= 1
    j = n
    while j > 0 and chance[j - 1] < mine:
        best[j] = best[j - 1]
        chance[j] = chance[j - 1]
        j -= 1
    best[j] = i
    chance[j] = mine
    return n + 1


@kernel
def _make_way(best: I32, chance: F32, n: int, made_by: I64, i: int, mine: float, most: int) -> int:
    """Let the weakest of `most` tracks in `best[:n]` by the artist of candidate `i` go; returns how many are left, -1 = `i` is weaker.

    What the bar or the cap kept out before is never missed: the list only gets better, and whom an artist's better tracks
    kept out, they keep out until they fall below the bar themselves.
    """
    if most == 0 or made_by[i] == NOT_SAID:
        return n
    held, weakest = 0, -1
    for j in range(n):
        if made_by[best[j]] == made_by[i]:
            held += 1
            weakest = j
    if held < most:
        return n
    if mine <= chance[weakest]:
        return -1
    for j in range(weakest, n - 1):
        best[j] = best[j + 1]
        chance[j] = chance[j + 1]
    return n - 1


@kernel
def _admit(best: I32, chance: F32, n: int, made_by: I64, i: int, mine: float, most: int) -> int:
    """Put candidate `i` into the sorted `best[:n]`, where its artist may have one more place; returns the new length."""
    left = _make_way(best, chance, n, made_by, i, mine, most)
    return n if left < 0 else _insert(best, chance, left, i, mine)


@kernel
def _pick(c: Pool, users: UserArrays, s: int, names: NameTable, tracks: TrackArrays, cap: Cap, best: Best, missing: I64) -> None:
    """Sort the best candidates into `best`; a bar per list keeps nearly all of them out at the price of one comparison."""
    n_next, n_new = 0, 0
    is_capped = cap.next > 0 or cap.discover > 0
    bar_next, bar_new = np.float32(0.0), np.float32(0.0)
    for i in range(c.n[0]):
        chance = c.chance[i]
        fresh = chance * c.fresh[i]
        if chance <= bar_next and fresh <= bar_new:
            continue  # what the user hides has no chance
        best.known[i] = history.has_played(users, s, c.key[i])
        best.artist[i] = known_artist(names, tracks, c.key[i], missing) if is_capped else NOT_SAID
        if chance > bar_next:
            n_next = _admit(best.next, best.next_chance, n_next, best.artist, i, chance, cap.next)
            if n_next == LENGTH:
                bar_next = best.next_chance[LENGTH - 1]
        if fresh > bar_new and not best.known[i]:
            n_new = _admit(best.discover, best.discover_chance, n_new, best.artist, i, fresh, cap.discover)
            if n_new == LENGTH:
                bar_new = best.discover_chance[LENGTH - 1]
    best.n[0] = n_next
    best.n[1] = n_new


@kernel
def note_listed(best: Best) -> None:
    """Note in `best.listed` what stands in either list."""
    for j in range(best.n[1]):
        best.twin[best.discover[j]] = -1
    n = best.n[0]
    for j in range(n):
        best.listed[j] = best.next[j]
        best.twin[best.next[j]] = j
    for j in range(best.n[1]):
        if best.twin[best.discover[j]] < 0:
            best.listed[n] = best.discover[j]
            n += 1
    best.n_listed[0] = n


@kernel
def _find_names(c: Pool, best: Best, names: NameTable, missing: I64) -> bool:
    """Look up the names of what is listed; those that are not in memory are noted in `missing`."""
    all_known = True
    for j in range(best.n_listed[0]):
        i = best.listed[j]
        best.name[i] = find(names.keys, names.slots, c.key[i])
        if best.name[i] < 0:
            all_known = False
            note_missing(missing, c.key[i])
    return all_known


@kernel
def _leave_out_nameless(c: Pool, names: NameTable) -> None:
    for i in range(c.n[0]):
        if find(names.keys, names.slots, c.key[i]) < 0:
            c.chance[i] = 0.0


@kernel
def pick(c: Pool, users: UserArrays, s: int, names: NameTable, tracks: TrackArrays, cap: Cap, best: Best, missing: I64) -> None:
    """Choose both lists of the user in slot `s` by `c.chance`, with at most `cap` of an artist, and look up the names of what is listed.

    A candidate whose name is not in memory yet is left out and noted in `missing` ([0] = how many). That is rare: so the
    lists are picked without a look at the names, and once more where one turns out to be missing.
    """
    _pick(c, users, s, names, tracks, cap, best, missing)
    note_listed(best)
    for j in range(best.n_listed[0]):
        key = c.key[best.listed[j]]
        expect(names.keys, names.slots, key)
        expect(tracks.map_keys, tracks.map_slots, key)
    if not _find_names(c, best, names, missing):
        _leave_out_nameless(c, names)
        _pick(c, users, s, names, tracks, cap, best, missing)
        note_listed(best)
        _find_names(c, best, names, missing)


@kernel
def _source(c: Pool, i: int, part: F32) -> int:
    """Which source gave candidate `i` most of what stage 1 thinks of it."""
    if c.via[i] & (1 << signals.LIKED_BIT):
        return signals.LIKED_SOURCE
    if c.via[i] & (1 << signals.RELEASE_BIT):
        return signals.RELEASES_SOURCE
    source, most = 0, np.float32(-1.0)
    for g in range(len(SOURCES)):
        weight = np.float32(0.0)
        for k in range(FIRST_SIGNAL[g], FIRST_SIGNAL[g + 1]):
            weight += part[k] * c.signal[k, i]
        if weight > most:
            source, most = g, weight
    return source


@kernel
def _because(c: Pool, best: Best, i: int, source: int, out: I32) -> None:
    """Names of the user's plays that brought candidate `i`, at most two, newest first; -1 = none."""
    out[0] = -1
    out[1] = -1
    if source == signals.POPULAR_SOURCE or source == signals.LIKED_SOURCE:
        return
    found = 0
    if source == signals.AGAIN_SOURCE:
        out[0] = best.name[i]
        found = 1
    for k in range(PAST_BIT if source == signals.PAST else 0, CAUSES):
        if (c.via[i] >> k) & 1 and best.cause[k] >= 0 and best.cause[k] != out[0]:
            out[found] = best.cause[k]
            found += 1
            if found == 2:
                return


@kernel
def _write(c: Pool, best: Best, listed: I32, n: int, part: F32, out: Lists, row: int, first: bool) -> None:
    out.length[row] = n
    for j in range(n):
        i = listed[j]
        out.track[row, j] = c.key[i]
        out.name[row, j] = best.name[i]
        out.finish[row, j] = best.finish[i]
        out.share[row, j] = c.chance[i] if first else c.chance[i] * c.fresh[i]
        out.twin[row, j] = -1 if first else best.twin[i]
        if out.twin[row, j] >= 0:
            continue  # the same as there, but for the share: source and cause need not be told twice
        out.source[row, j] = _source(c, i, part)
        _because(c, best, i, out.source[row, j], out.because[row, j])


@kernel
def _name_causes(users: UserArrays, s: int, moment: Moment, names: NameTable, cause: I32) -> None:
    for k in range(WINDOW):
        cause[k] = find(names.keys, names.slots, moment.key[k]) if k < moment.n[0] else -1
    newest = newest_past(users, s)
    for k in range(CAUSES - PAST_BIT):
        cause[PAST_BIT + k] = find(names.keys, names.slots, users.track[s, newest - k]) if k <= newest else -1


@kernel
def write(c: Pool, users: UserArrays, s: int, moment: Moment, names: NameTable, best: Best, part: F32, out: Lists, row: int) -> None:
    """Fill rows `row` (next) and `row + 1` (discover) of `out`; `part` (N_SIGNALS,) is what stage 1 gives one unit of each signal."""
    _name_causes(users, s, moment, names, best.cause)
    _write(c, best, best.next, best.n[0], part, out, row, True)
    _write(c, best, best.discover, best.n[1], part, out, row + 1, False)
    out.among[row + 1] = best.among[0]
    for j in range(best.n[1]):
        out.explored[row + 1, j] = best.explored[j]
