"""Kernels of the evaluation: what was live before each play, and the rivals' counts and lists."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from online_models.arrays import F32, F64, I32, I64
from online_models.hashmap import find, new_map, put
from online_models.kernel import kernel
from online_models.rank import LENGTH

POPULAR: int = 2 * LENGTH
"""Popular tracks kept in order: enough to fill a list whose entries may be popular themselves."""
RESCALE_LOG2: float = 500.0
"""Decayed counts grow by 2 ** age instead of all others shrinking; here they are brought back."""


# --- Segue's lists ---------------------------------------------------------------------------------


@kernel
def live_before(user: I32, made: I32, live: I32, out: I32) -> None:
    """Lists that were live before events (k,), given those `made` after them (k, LENGTH); `live` (n_users, LENGTH) goes on."""
    for i in range(user.shape[0]):
        u = user[i]
        for j in range(LENGTH):
            out[i, j] = live[u, j]
            live[u, j] = made[i, j]


@kernel
def codes_of(keys: I64, values: I32, track: I64, length: I32, out: I32) -> None:
    """Codes (k, LENGTH) of the hashes `track` (k, LENGTH), -1 behind each list's `length` (k,)."""
    for i in range(track.shape[0]):
        for j in range(LENGTH):
            out[i, j] = find(keys, values, track[i, j]) if j < length[i] else -1


@kernel
def learn_codes(keys: I64, values: I32, track: I64, code: I32) -> None:
    """Note which code each hash stands for."""
    for i in range(track.shape[0]):
        put(keys, values, track[i], code[i])


# --- Popularity ------------------------------------------------------------------------------------


class Popular(NamedTuple):
    """Plays per track, decayed or not, and the largest in order."""

    weight: F64  # (n_tracks,)
    top: I32  # (POPULAR,) best first, -1 = none
    base: F64  # (1,) halvings that all weights were scaled down by


def new_popular(n_tracks: int) -> Popular:
    """No plays."""
    return Popular(np.zeros(n_tracks), np.full(POPULAR, -1, np.int32), np.zeros(1))


@kernel
def count_play(p: Popular, track: int, halvings: float) -> None:
    """One play that weighs 2 ** `halvings`: the age of the log in half-lives, 0 where nothing decays."""
    if halvings - p.base[0] > RESCALE_LOG2:
        for i in range(p.weight.shape[0]):
            p.weight[i] *= 2.0 ** (p.base[0] - halvings)
        p.base[0] = halvings
    p.weight[track] += 2.0 ** (halvings - p.base[0])
    # Nothing but a play makes a track rise: the order stays right if the played one moves.
    at = POPULAR - 1
    for j in range(POPULAR):
        if p.top[j] == track or p.top[j] < 0:
            at = j
            break
    if p.top[at] >= 0 and p.top[at] != track and p.weight[p.top[at]] >= p.weight[track]:
        return
    while at > 0 and p.weight[p.top[at - 1]] < p.weight[track]:
        p.top[at] = p.top[at - 1]
        at -= 1
    p.top[at] = track


# --- Pairs of tracks -------------------------------------------------------------------------------


class Rule(NamedTuple):
    """How pairs are learned and read."""

    learn_lags: int  # a play is tied to so many before it
    by_lag: bool  # a tie weighs 1 / lag instead of 1
    symmetric: bool
    read_lags: int  # lists read the tables of so many last plays
    read_decay: float  # weight of the k-th last play's table: read_decay ** k
    from_power: float  # a table is divided by the plays of its track to this power
    to_power: float  # and each entry by those of its track
    fresh_only: bool = False  # lists hold nothing that the user played before


class Pairs(NamedTuple):
    """Weighted pairs of tracks, as one chain of entries per track."""

    keys: I64  # map: pair -> entry
    slots: I32
    to: I32  # (room,)
    weight: F32  # (room,)
    older: I32  # (room,) next entry of the same track, -1 = none
    first: I32  # (n_tracks,) newest entry, -1 = none
    n: I64  # (1,) entries
    plays: F64  # (n_tracks,)


class Desk(NamedTuple):
    """Room to work out one list."""

    score: F32  # (n_tracks,) zero between lists
    touched: I32  # (n_tracks,)
    barred: I32  # (n_tracks,) row + 1 of the list that may not hold it
    best: F32  # (LENGTH,)


def new_pairs(n_tracks: int, room: int) -> Pairs:
    """No pairs, and room for some."""
    return _roomy(np.full(n_tracks, -1, np.int32), np.zeros(n_tracks), room)


def new_desk(n_tracks: int) -> Desk:
    """A clean one."""
    return Desk(np.zeros(n_tracks, np.float32), np.zeros(n_tracks, np.int32), np.zeros(n_tracks, np.int32), np.zeros(LENGTH, np.float32))


def with_room(p: Pairs, room: int) -> Pairs:
    """The same pairs, and room for `room` in all."""
    if room <= len(p.to):
        return p
    n = int(p.n[0])
    grown = _roomy(p.first, p.plays, max(room, 2 * len(p.to)))
    grown.to[:n], grown.weight[:n], grown.older[:n], grown.n[0] = p.to[:n], p.weight[:n], p.older[:n], n
    copy_keys(p.keys, p.slots, grown.keys, grown.slots)
    return grown


def _roomy(first: I32, plays: F64, room: int) -> Pairs:
    keys, slots = new_map(room)
    return Pairs(
        keys, slots, np.zeros(room, np.int32), np.zeros(room, np.float32), np.zeros(room, np.int32), first, np.zeros(1, np.int64), plays
    )


@kernel
def copy_keys(keys: I64, slots: I32, to_keys: I64, to_slots: I32) -> None:
    """All of one map into another."""
    for i in range(keys.shape[0]):
        if keys[i] != 0:
            put(to_keys, to_slots, keys[i], slots[i])


@kernel
def _pair_key(source: int, to: int) -> int:
    """A well-mixed number other than 0, another one for each pair."""
    key = (np.uint64(source + 1) << np.uint64(32)) | np.uint64(to + 1)
    key *= np.uint64(0x9E3779B97F4A7C15)
    key ^= key >> np.uint64(32)
    return np.int64(key)  # type: ignore[return-value]


@kernel
def tie(p: Pairs, source: int, to: int, weight: float) -> None:
    """Add to a pair."""
    key = _pair_key(source, to)
    e = np.int64(find(p.keys, p.slots, key))
    if e < 0:
        e = p.n[0]
        p.n[0] = e + 1
        put(p.keys, p.slots, key, e)
        p.to[e] = to
        p.weight[e] = 0.0
        p.older[e] = p.first[source]
        p.first[source] = e
    p.weight[e] += np.float32(weight)


@kernel
def learn_pairs(p: Pairs, rule: Rule, track: I32, back: I32, row: int) -> None:
    """Tie a play to those before it; `back` (n,) says which came before."""
    p.plays[track[row]] += 1.0
    source = back[row]
    for lag in range(1, rule.learn_lags + 1):
        if source < 0:
            return
        weight = 1.0 / lag if rule.by_lag else 1.0
        tie(p, track[source], track[row], weight)
        if rule.symmetric and track[source] != track[row]:
            tie(p, track[row], track[source], weight)
        source = back[source]


@kernel
def _gather(p: Pairs, rule: Rule, track: I32, back: I32, row: int, d: Desk) -> int:
    """Scores of all candidates; returns how many were touched."""
    n = 0
    source = back[row]
    decay = 1.0
    for _ in range(rule.read_lags):
        if source < 0:
            break
        weight = np.float32(decay / max(1.0, p.plays[track[source]]) ** rule.from_power)
        e = np.int64(p.first[track[source]])
        while e >= 0:
            to = p.to[e]
            if d.score[to] == 0.0:
                d.touched[n] = to
                n += 1
            d.score[to] += weight * p.weight[e]
            e = np.int64(p.older[e])
        decay *= rule.read_decay
        source = back[source]
    return n


@kernel
def bar_known(track: I32, back: I32, row: int, d: Desk) -> None:
    """Nothing of what the user of `row` played before may be listed; `back` (n,) leads through their plays."""
    source = back[row]
    while source >= 0:
        d.barred[track[source]] = row + 1
        source = back[source]


@kernel
def _pick(d: Desk, n: int, plays: F64, to_power: float, row: int, out: I32) -> int:
    """The best touched tracks into `out`, and the desk clean; equals keep the order in which they were met."""
    listed = 0
    for t in range(n):
        track = d.touched[t]
        score = d.score[track]
        d.score[track] = 0.0
        if d.barred[track] == row + 1:
            continue
        if to_power > 0.0:
            score = np.float32(score / plays[track] ** to_power)
        if listed == LENGTH:
            if score <= d.best[LENGTH - 1]:
                continue
            listed -= 1
        j = listed
        while j > 0 and d.best[j - 1] < score:
            d.best[j] = d.best[j - 1]
            out[j] = out[j - 1]
            j -= 1
        d.best[j] = score
        out[j] = track
        listed += 1
    return listed


@kernel
def _holds(out: I32, listed: int, track: int) -> bool:
    there = False
    for j in range(listed):
        there |= out[j] == track
    return there


@kernel
def _fill_fresh(popular: Popular, d: Desk, listed: int, row: int, out: I32) -> None:
    """As `_fill`, without what is barred, for which the whole catalogue is searched."""
    while listed < LENGTH:
        best = -1
        for track in range(popular.weight.shape[0]):
            weight = popular.weight[track]
            if weight == 0.0 or d.barred[track] == row + 1 or (best >= 0 and weight <= popular.weight[best]):
                continue
            if not _holds(out, listed, track):
                best = track
        if best < 0:
            break
        out[listed] = best
        listed += 1
    for j in range(listed, LENGTH):
        out[j] = -1


@kernel
def _fill(popular: Popular, listed: int, out: I32) -> None:
    """Popular tracks behind those that were found."""
    for k in range(POPULAR):
        if listed == LENGTH or popular.top[k] < 0:
            break
        if not _holds(out, listed, popular.top[k]):
            out[listed] = popular.top[k]
            listed += 1
    for j in range(listed, LENGTH):
        out[j] = -1


@kernel
def pair_lists(
    start: int, learn_until: int, track: I32, back: I32, user_back: I32, rule: Rule, p: Pairs, popular: Popular, d: Desk, out: I32
) -> None:
    """Lists before each of the plays from `start` on; each play is learned after its list."""
    for k in range(out.shape[0]):
        row = start + k
        if rule.fresh_only:
            bar_known(track, user_back, row, d)
        n = _pick(d, _gather(p, rule, track, back, row, d), p.plays, rule.to_power, row, out[k])
        if rule.fresh_only:
            _fill_fresh(popular, d, n, row, out[k])
        else:
            _fill(popular, n, out[k])
        if row < learn_until:
            learn_pairs(p, rule, track, back, row)
            count_play(popular, track[row], 0.0)


@kernel
def popular_lists(
    start: int, learn_until: int, track: I32, user_back: I32, halvings: F64, fresh_only: bool, p: Popular, d: Desk, out: I32
) -> None:
    """The same list for everybody, before each of the plays from `start` on."""
    for k in range(out.shape[0]):
        row = start + k
        if fresh_only:
            bar_known(track, user_back, row, d)
            _fill_fresh(p, d, 0, row, out[k])
        else:
            _fill(p, 0, out[k])
        if row < learn_until:
            count_play(p, track[row], halvings[row])
