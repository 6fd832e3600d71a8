"""One play after the other: test it against the live list, learn it, rank the next list.

This is the only kernel on the path of a play. It sees a whole round, over all partitions, in the order
of their logs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from online_models import candidates, covisits, finish_features, history, rank
from online_models.arrays import F32, F64, I32, I64, U8, Items
from online_models.candidates import Scratch
from online_models.covisits import TrackArrays
from online_models.finish_features import N_FEATURES, N_TRACK
from online_models.finish_serving import predict
from online_models.hashmap import expect, find
from online_models.history import UserArrays
from online_models.items import ITEM, LAG_UNIT, SKIPPED, WINDOW
from online_models.kernel import kernel
from online_models.prefetch import fetch
from online_models.rank import LENGTH, Best, Lists

PLAY, BLOCK, UNBLOCK, ERASE, REJECTED_KIND = 0, 1, 2, 3, 255
APPLIED, DUPLICATE, PRIVATE, REJECTED = range(4)
NOT_TESTED, MISS = -1, 0

RANKER = "tables-1"
"""Name of the way of ranking, as published in every list."""


class Events(NamedTuple):
    """The round's events, one place each."""

    slot: I32  # of the user's row
    kind: U8
    track: I64
    at_ms: I64
    event_hash: I64
    session: I64
    ms_played: I32
    duration_ms: I32
    ended: U8
    private: U8
    import_source: I64
    import_row: I64


class Outcomes(NamedTuple):
    """What became of each event."""

    outcome: U8
    row: I32  # of its lists (next; discover is row + 1), -1 = none
    flags: U8
    rank: I32  # of the play in the list that was live: 1.., MISS, NOT_TESTED
    popular_rank: I32
    in_session: U8
    items: Items  # (n * (WINDOW + 1),) ITEM
    item_event: I32  # event that each item came from
    n_items: I64  # (1,)
    lesson_event: I32  # (n,) event that each lesson came from
    lesson_x: F32  # (n, N_FEATURES)
    n_lessons: I64  # (1,)


class FinishModel(NamedTuple):
    """The champion that predicts "will this user finish it"; `kind` -1 = none yet."""

    kind: int
    weights: F64
    bias: float
    feature: I32
    threshold: F64
    left: I32
    right: I32
    leaf: F32


_NO_NODE = np.zeros(1, np.int32)
NO_FINISH = FinishModel(-1, np.zeros(N_FEATURES), 0.0, _NO_NODE - 1, np.zeros(1), _NO_NODE, _NO_NODE, np.zeros(1, np.float32))
"""Before the first model is published."""


class World(NamedTuple):
    """What ranking reads beside the user's row."""

    tracks: TrackArrays
    name_keys: I64
    name_slots: I32
    popular: I64
    popular_weight: F32
    finish: FinishModel
    lessons_below: float  # an event teaches if its hash, as a share of 2**64, is below this


def new_outcomes(n: int) -> Outcomes:
    """Room for `n` events."""
    return Outcomes(
        outcome=np.zeros(n, np.uint8),
        row=np.full(n, -1, np.int32),
        flags=np.zeros(n, np.uint8),
        rank=np.full(n, NOT_TESTED, np.int32),
        popular_rank=np.full(n, NOT_TESTED, np.int32),
        in_session=np.zeros(n, np.uint8),
        items=np.zeros(n * (WINDOW + 1), ITEM),
        item_event=np.zeros(n * (WINDOW + 1), np.int32),
        n_items=np.zeros(1, np.int64),
        lesson_event=np.zeros(n, np.int32),
        lesson_x=np.zeros((n, N_FEATURES), np.float32),
        n_lessons=np.zeros(1, np.int64),
    )


@kernel
def _place(live: I64, n: int, track: int) -> int:
    for j in range(n):
        if live[j] == track:
            return j + 1
    return MISS


@kernel
def _emit(out: Outcomes, event: int, src: int, dst: int, at_s: int, weight: int, lag: int, flags: int, duration_s: int) -> None:
    k = out.n_items[0]
    item = out.items[k]
    item.src = src
    item.dst = dst
    item.at_s = at_s
    item.weight = weight
    item.lag = lag
    item.flags = flags
    item.duration_s = duration_s
    out.item_event[k] = event
    out.n_items[0] = k + 1


@kernel
def _emit_play(users: UserArrays, s: int, e: Events, i: int, flags: int, late: bool, out: Outcomes) -> None:
    """The play's count item and its ties to the plays before it in the session."""
    at_s = e.at_ms[i] // 1000
    _emit(out, i, 0, e.track[i], at_s, 0, 0, flags, max(0, e.duration_ms[i] // 1000))
    if late:
        return
    n = users.head[s, history.N_HISTORY] - 1  # the play itself is the newest
    depth = min(WINDOW, min(n, users.head[s, history.SESSION_N] - 1))
    for lag in range(1, depth + 1):
        weight = LAG_UNIT // lag
        if flags & SKIPPED:
            weight = -(weight // 2)
        _emit(out, i, users.track[s, n - lag], e.track[i], at_s, weight, lag, flags, 0)


@kernel
def _test(users: UserArrays, s: int, e: Events, i: int, world: World, out: Outcomes) -> None:
    """Prequential: the play against the list that was live before it, and against the popular one."""
    head = users.head
    if head[s, history.PLAYS] == 0 or head[s, history.N_SHOWN] == 0 or e.at_ms[i] < head[s, history.LAST_AT]:
        return
    out.rank[i] = _place(users.shown[s], head[s, history.N_SHOWN], e.track[i])
    out.popular_rank[i] = _place(world.popular, min(LENGTH, world.popular.shape[0]), e.track[i])
    if history.same_session(users, s, e.session[i], e.at_ms[i]):
        out.in_session[i] = 1


@kernel
def _features(x: F32, users: UserArrays, s: int, tracks: TrackArrays, track: int, position: int, duration_ms: int, at_ms: int) -> None:
    """What is known before the play: of the user, of the track, of the moment."""
    u, t = users.head[s], find(tracks.map_keys, tracks.map_slots, track)
    known = 1.0 if history.has_played(users, s, track) else 0.0
    plays, skips, finishes = 0, 0, 0
    if t >= 0:
        plays, skips, finishes = tracks.head[t, covisits.PLAYS], tracks.head[t, covisits.SKIPS], tracks.head[t, covisits.FINISHES]
    finish_features.fill(
        x, u[history.PLAYS], u[history.SKIPS], u[history.FINISHES], plays, skips, finishes, known, position, duration_ms, at_ms
    )


@kernel
def _teach(users: UserArrays, s: int, e: Events, i: int, world: World, out: Outcomes) -> None:
    """A lesson, where the end of the play is known; which plays teach depends on the log alone."""
    if e.ended[i] != 1 and (e.ms_played[i] < 0 or e.duration_ms[i] <= 0):
        return
    if np.uint64(e.event_hash[i]) * 2.0**-64 >= world.lessons_below:
        return
    k = out.n_lessons[0]
    position = history.session_position(users, s, e.session[i], e.at_ms[i])
    _features(out.lesson_x[k], users, s, world.tracks, e.track[i], position, max(0, e.duration_ms[i]), e.at_ms[i])
    out.lesson_event[k] = i
    out.n_lessons[0] = k + 1


@kernel
def _predict_finish(users: UserArrays, s: int, world: World, c: Scratch, best: Best, x: F32) -> None:
    """The chance that each listed track would be heard to its end."""
    m, tracks, head = world.finish, world.tracks, users.head
    if m.kind < 0:
        for j in range(best.n_listed[0]):
            c.finish[best.listed[j]] = -1.0
        return
    finish_features.fill_user(
        x, head[s, history.PLAYS], head[s, history.SKIPS], head[s, history.FINISHES], head[s, history.SESSION_N], head[s, history.LAST_AT]
    )
    for j in range(best.n_listed[0]):
        i = best.listed[j]
        c.slot[i] = find(tracks.map_keys, tracks.map_slots, c.key[i])
        fetch(tracks.x, c.slot[i] * N_TRACK * 4, N_TRACK * 4)
    for j in range(best.n_listed[0]):
        i = best.listed[j]
        if c.slot[i] >= 0:
            finish_features.put_track(x, tracks.x[c.slot[i]], c.known[i])
        else:
            finish_features.put_stranger(x, c.known[i])
        c.finish[i] = predict(x, m.kind, m.weights, m.bias, m.feature, m.threshold, m.left, m.right, m.leaf)


@kernel
def _total(c: Scratch) -> float:
    total = np.float32(1e-9)
    for i in range(c.n[0]):
        total += c.score[i]
    return total  # type: ignore[return-value]


@kernel
def _rank(users: UserArrays, s: int, world: World, c: Scratch, best: Best, lists: Lists, row: int, missing: I64) -> None:
    candidates.gather(c, users, s, world.tracks, world.popular, world.popular_weight)
    total = _total(c)
    rank.pick(c, users, s, world.name_keys, world.name_slots, world.tracks, best, missing)
    _predict_finish(users, s, world, c, best, lists.x)
    rank.write(c, users, s, world.name_keys, world.name_slots, best, total, lists, row)
    n = lists.length[row]
    users.head[s, history.N_SHOWN] = n
    for j in range(n):
        users.shown[s, j] = lists.track[row, j]


@kernel
def _play(users: UserArrays, s: int, e: Events, i: int, world: World, out: Outcomes) -> None:
    flags = history.play_flags(e.ms_played[i], e.duration_ms[i], e.ended[i])
    out.flags[i] = flags
    _test(users, s, e, i, world, out)
    _teach(users, s, e, i, world, out)
    late = history.learn_play(users, s, e.track[i], e.at_ms[i], e.session[i], flags)
    _emit_play(users, s, e, i, flags, late, out)


@kernel
def _is_dropped(users: UserArrays, s: int, e: Events, i: int, out: Outcomes) -> bool:
    if e.kind[i] == REJECTED_KIND:
        out.outcome[i] = REJECTED
    elif history.is_repeat(users, s, e.event_hash[i], e.import_source[i], e.import_row[i]):
        out.outcome[i] = DUPLICATE
    elif e.private[i]:
        out.outcome[i] = PRIVATE
    else:
        return False
    return True


@kernel
def _session_tracks(users: UserArrays, s: int) -> int:
    """How many of the user's last tracks stand at the front of their candidates."""
    return min(WINDOW, min(users.head[s, history.N_HISTORY], users.head[s, history.SESSION_N]))


@kernel
def _expect_slots(users: UserArrays, e: Events, i: int, tracks: TrackArrays) -> None:
    """The places of the tracks that event `i` will read."""
    s = e.slot[i]
    expect(tracks.map_keys, tracks.map_slots, e.track[i])
    n = users.head[s, history.N_HISTORY]
    for k in range(_session_tracks(users, s)):
        expect(tracks.map_keys, tracks.map_slots, users.track[s, n - 1 - k])


@kernel
def _expect_tables(users: UserArrays, e: Events, i: int, tracks: TrackArrays) -> None:
    """The next-tables that event `i` will read: its own track's, and those of the session before it."""
    s = e.slot[i]
    candidates.expect_table(tracks, e.track[i], 0)
    n = users.head[s, history.N_HISTORY]
    for k in range(min(_session_tracks(users, s), WINDOW - 1)):
        candidates.expect_table(tracks, users.track[s, n - 1 - k], k + 1)


@kernel
def _look_ahead(users: UserArrays, e: Events, i: int, tracks: TrackArrays) -> None:
    """Ask for the memory of the events after `i` while `i` is worked on: each step needs what the step before asked for."""
    n = e.kind.shape[0]
    if i + 3 < n and e.kind[i + 3] != REJECTED_KIND:
        history.expect(users, e.slot[i + 3])
    if i + 2 < n and e.kind[i + 2] != REJECTED_KIND:
        _expect_slots(users, e, i + 2, tracks)
    if i + 1 < n and e.kind[i + 1] != REJECTED_KIND:
        _expect_tables(users, e, i + 1, tracks)


@kernel
def handle(users: UserArrays, events: Events, world: World, c: Scratch, best: Best, lists: Lists, out: Outcomes, missing: I64) -> int:
    """Handle every event in order; returns how many rows of `lists` were written (two per event that has lists)."""
    row = 0
    for i in range(events.kind.shape[0]):
        s = events.slot[i]
        _look_ahead(users, events, i, world.tracks)
        if _is_dropped(users, s, events, i, out):
            continue
        if events.kind[i] == ERASE:
            history.reset(users, s)
            continue
        history.remember_event(users, s, events.event_hash[i], events.import_source[i], events.import_row[i])
        if events.kind[i] == PLAY:
            _play(users, s, events, i, world, out)
        elif events.kind[i] == BLOCK:
            history.block(users, s, events.track[i])
        else:
            history.unblock(users, s, events.track[i])
        _rank(users, s, world, c, best, lists, row, missing)
        out.row[i] = row
        row += 2
    return row


@kernel
def tracks_needed(
    users: UserArrays,
    events: Events,
    tracks: TrackArrays,
    loaded_ms: I64,
    touched: I64,
    stale_ms: int,
    mark: I64,
    round_n: int,
    out: I64,
) -> int:
    """Hashes of rows that ranking this round will read and that are not in memory, or are too old; touches the others.

    `loaded_ms[slot]` is when another worker's row was read (-1 = our own, never old); older than `stale_ms` is too old.
    """
    n = 0
    for i in range(events.kind.shape[0]):
        if events.kind[i] == REJECTED_KIND:
            continue
        s = events.slot[i]
        n = _need(events.track[i], tracks, loaded_ms, touched, stale_ms, round_n, out, n)
        if mark[s] == round_n:
            continue
        mark[s] = round_n
        held = users.head[s, history.N_HISTORY]
        for k in range(min(WINDOW, min(held, users.head[s, history.SESSION_N]))):
            n = _need(users.track[s, held - 1 - k], tracks, loaded_ms, touched, stale_ms, round_n, out, n)
    return n


@kernel
def _need(track: int, tracks: TrackArrays, loaded_ms: I64, touched: I64, stale_ms: int, round_n: int, out: I64, n: int) -> int:
    if track == 0:
        return n
    t = find(tracks.map_keys, tracks.map_slots, track)
    if t >= 0 and (loaded_ms[t] < 0 or loaded_ms[t] >= stale_ms):
        touched[t] = round_n
        return n
    out[n] = track
    return n + 1


@kernel
def group(item_target: I32, n_groups: int, order: I32, start: I64) -> None:
    """Stable counting sort: `order[start[g]:start[g + 1]]` are the items of group `g`, in order; `start` has n_groups + 2 places."""
    start[:] = 0
    for i in range(item_target.shape[0]):
        start[item_target[i] + 2] += 1
    for g in range(n_groups):
        start[g + 2] += start[g + 1]
    # Now start[g + 1] is where group g begins; it moves on to where the group ends, which is where the next one begins.
    for i in range(item_target.shape[0]):
        g = item_target[i] + 1
        order[start[g]] = i
        start[g] += 1


@kernel
def targets(out: Outcomes, event_part: I32, n_targets: int, target: I32) -> None:
    """`target[i]` = part of the item's event x `n_targets` + the tracks' partition that the item goes to."""
    for i in range(out.n_items[0]):
        item = out.items[i]
        h = item.dst if item.lag == 0 else item.src
        target[i] = event_part[out.item_event[i]] * n_targets + np.int64(np.uint64(h) % np.uint64(n_targets))
