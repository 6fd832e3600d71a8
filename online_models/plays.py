"""One play after the other: test it against the live list, learn it, rank the next list.

This is the only kernel on the path of a play. It sees a whole round, over all partitions, in the order
of their logs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from online_models import explore, fatigue, finish_features, history, marks, pulse, rank, releases, track_state, two_stage
from online_models.arrays import F32, F64, I32, I64, U8, Items
from online_models.artists import NameTable
from online_models.context import GAPLESS_S
from online_models.events import DISLIKE, ERASE, FORGET, LIKE, PAUSE, PLAY, RADIO, REJECTED_KIND, RESUME, UNBLOCK, UNDO, Events
from online_models.finish_features import N_FEATURES, N_TRACK
from online_models.finish_serving import predict
from online_models.hashmap import find
from online_models.history import UserArrays
from online_models.items import BEFORE, GAPLESS, ITEM, MADE, MADE_LAG, ON_ALBUM, SKIPPED, WINDOW
from online_models.kernel import kernel
from online_models.listening import Listens, is_sampled, new_listens, note, note_play
from online_models.look_ahead import look_ahead
from online_models.moment import Known, person_tag, session_tag
from online_models.pool import Pool
from online_models.prefetch import fetch
from online_models.rank import LENGTH, NO_CAP, Best, Cap, Lists
from online_models.releases import NO_RELEASES, Releases
from online_models.track_state import TrackArrays
from online_models.two_stage import Ranker
from online_models.weights import Weights

APPLIED, DUPLICATE, PRIVATE, REJECTED = range(4)
NOT_TESTED, MISS = -1, 0

RANKER = "two-stage-3"
"""Name of the way of ranking, as published in every list behind the preset's."""
ITEMS_MAX = 2 * WINDOW + 3
"""Items of one play: its count, one for the artist, one for the album, and two for each play before it."""


class Outcomes(NamedTuple):
    """What became of each event."""

    outcome: U8
    row: I32  # of its lists (next; discover is row + 1), -1 = none
    flags: U8
    rank: I32  # of the play in the list that was live: 1.., MISS, NOT_TESTED
    popular_rank: I32
    in_session: U8
    items: Items  # (n * ITEMS_MAX,) ITEM
    item_event: I32  # event that each item came from
    n_items: I64  # (1,)
    lesson_event: I32  # (n,) event that each lesson came from
    lesson_x: F32  # (n, N_FEATURES)
    n_lessons: I64  # (1,)
    listens: Listens


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
    """What a round reads beside the rows."""

    names: NameTable
    finish: FinishModel
    lessons_below: float  # an event teaches if its hash, as a share of 2**64, is below this
    ranker_learns: bool
    explore_share: float = 0.0  # chance that a place of `discover` explores
    listening_below: float = 0.0  # a user's plays are listening lessons if the hash of the id, as a share of 2**64, is below this
    cap: Cap = NO_CAP
    fatigue: float = 0.0  # of what was passed over, part that goes each time, in `discover`
    fatigue_next: float = 0.0  # the same in `next`
    releases: Releases = NO_RELEASES


def new_outcomes(n: int) -> Outcomes:
    """Room for `n` events."""
    return Outcomes(
        outcome=np.zeros(n, np.uint8),
        row=np.full(n, -1, np.int32),
        flags=np.zeros(n, np.uint8),
        rank=np.full(n, NOT_TESTED, np.int32),
        popular_rank=np.full(n, NOT_TESTED, np.int32),
        in_session=np.zeros(n, np.uint8),
        items=np.zeros(n * ITEMS_MAX, ITEM),
        item_event=np.zeros(n * ITEMS_MAX, np.int32),
        n_items=np.zeros(1, np.int64),
        lesson_event=np.zeros(n, np.int32),
        lesson_x=np.zeros((n, N_FEATURES), np.float32),
        n_lessons=np.zeros(1, np.int64),
        listens=new_listens(n),
    )


@kernel
def _place(live: I64, n: int, track: int) -> int:
    for j in range(n):
        if live[j] == track:
            return j + 1
    return MISS


@kernel
def _emit(out: Outcomes, event: int, src: int, dst: int, at_s: int, lag: int, flags: int, session: int, detail: int) -> None:
    k = out.n_items[0]
    item = out.items[k]
    item.src = src
    item.dst = dst
    item.at_s = at_s
    item.session = session
    item.detail = detail
    item.lag = lag
    item.flags = flags
    out.item_event[k] = event
    out.n_items[0] = k + 1


@kernel
def _emit_play(users: UserArrays, s: int, e: Events, i: int, flags: int, late: bool, out: Outcomes) -> None:
    """The play's count item, its artist's, its album's, and its ties to the plays before it in the session, told to both tracks."""
    at_s, track, length_s = e.at_ms[i] // 1000, e.track[i], max(0, e.duration_ms[i] // 1000)
    if e.artist[i] != 0 and not flags & SKIPPED:
        _emit(out, i, e.artist[i], track, at_s, MADE_LAG, MADE, 0, 0)
    if e.album[i] != 0 and not flags & SKIPPED:
        _emit(out, i, e.album[i], track, at_s, MADE_LAG, ON_ALBUM, 0, 0)
    if late:
        _emit(out, i, track, e.artist[i], at_s, 0, flags, 0, length_s)
        return
    session, person = session_tag(users, s), person_tag(users, s)
    _emit(out, i, track, e.artist[i], at_s, 0, flags, session, length_s)
    n = users.head[s, history.N_HISTORY] - 1  # the play itself is the newest
    depth = min(WINDOW, min(n, users.head[s, history.SESSION_N] - 1))
    for lag in range(1, depth + 1):
        src = users.track[s, n - lag]
        gapless = GAPLESS if at_s - np.int64(users.at_s[s, n - lag]) < GAPLESS_S else 0
        _emit(out, i, src, track, at_s, lag, flags | gapless, session, person)
        _emit(out, i, track, src, at_s, lag, flags | gapless | BEFORE, session, person)


@kernel
def _test(known: Known, s: int, e: Events, i: int, out: Outcomes) -> None:
    """Prequential: the play against the list that was live before it, and against the popular one."""
    users, head = known.users, known.users.head
    if head[s, history.PLAYS] == 0 or head[s, history.N_SHOWN] == 0 or e.at_ms[i] < head[s, history.LAST_AT]:
        return
    out.rank[i] = _place(users.shown[s], head[s, history.N_SHOWN], e.track[i])
    out.popular_rank[i] = _place(known.popular, min(LENGTH, known.popular.shape[0]), e.track[i])
    if history.same_session(users, s, e.session[i], e.at_ms[i]):
        out.in_session[i] = 1


@kernel
def _features(x: F32, users: UserArrays, s: int, tracks: TrackArrays, track: int, position: int, duration_ms: int, at_ms: int) -> None:
    """What is known before the play: of the user, of the track, of the moment."""
    u, t = users.head[s], find(tracks.map_keys, tracks.map_slots, track)
    known = 1.0 if history.has_played(users, s, track) else 0.0
    plays, skips, finishes = 0, 0, 0
    if t >= 0:
        plays, skips, finishes = tracks.head[t, track_state.PLAYS], tracks.head[t, track_state.SKIPS], tracks.head[t, track_state.FINISHES]
    finish_features.fill(
        x, u[history.PLAYS], u[history.SKIPS], u[history.FINISHES], plays, skips, finishes, known, position, duration_ms, at_ms
    )


@kernel
def _teach(known: Known, s: int, e: Events, i: int, world: World, out: Outcomes) -> None:
    """A lesson, where the end of the play is known; which plays teach depends on the log alone."""
    if e.ended[i] != 1 and (e.ms_played[i] < 0 or e.duration_ms[i] <= 0):
        return
    if np.uint64(e.event_hash[i]) * 2.0**-64 >= world.lessons_below:
        return
    k = out.n_lessons[0]
    position = history.session_position(known.users, s, e.session[i], e.at_ms[i])
    _features(out.lesson_x[k], known.users, s, known.tracks, e.track[i], position, max(0, e.duration_ms[i]), e.at_ms[i])
    out.lesson_event[k] = i
    out.n_lessons[0] = k + 1


@kernel
def _predict_finish(known: Known, s: int, world: World, c: Pool, best: Best, x: F32) -> None:
    """The chance that each listed track would be heard to its end."""
    m, tracks, head = world.finish, known.tracks, known.users.head
    if m.kind < 0:
        for j in range(best.n_listed[0]):
            best.finish[best.listed[j]] = -1.0
        return
    finish_features.fill_user(
        x, head[s, history.PLAYS], head[s, history.SKIPS], head[s, history.FINISHES], head[s, history.SESSION_N], head[s, history.LAST_AT]
    )
    for j in range(best.n_listed[0]):
        i = best.listed[j]
        best.slot[j] = find(tracks.map_keys, tracks.map_slots, c.key[i])
        fetch(tracks.x, best.slot[j] * N_TRACK * 4, N_TRACK * 4)
    for j in range(best.n_listed[0]):
        i = best.listed[j]
        if best.slot[j] >= 0:
            finish_features.put_track(x, tracks.x[best.slot[j]], best.known[i])
        else:
            finish_features.put_stranger(x, best.known[i])
        best.finish[i] = predict(x, m.kind, m.weights, m.bias, m.feature, m.threshold, m.left, m.right, m.leaf)


@kernel
def _rank(
    known: Known,
    s: int,
    event_hash: int,
    at_ms: int,
    world: World,
    ranker: Ranker,
    weights: Weights,
    best: Best,
    lists: Lists,
    row: int,
    missing: I64,
) -> None:
    users, pool, names, tracks = known.users, ranker.pool, world.names, known.tracks
    r = two_stage.rank_one(ranker, weights, known, s, missing)
    releases.join(pool, world.releases, ranker.moment, best.lean, missing)
    marks.weigh(pool, users, s, at_ms, names, tracks, missing)
    rank.damp(pool, users, s)
    fatigue.discount(pool, users, s, world.fatigue_next, world.fatigue)
    rank.pick(pool, users, s, names, tracks, world.cap, best, missing)
    explore.explore(pool, users, s, names, tracks, world.cap, event_hash, world.explore_share, best, missing)
    _predict_finish(known, s, world, pool, best, lists.x)
    rank.write(pool, users, s, ranker.moment, names, best, ranker.rankings.part[r], lists, row)
    fatigue.show(users, s, lists, row)


@kernel
def _learn_ranking(known: Known, s: int, e: Events, i: int, world: World, ranker: Ranker, weights: Weights, out: Outcomes) -> None:
    """What the ranking that waited learns from the play, where the play goes on with its session. A skip was no right answer."""
    if e.at_ms[i] < known.users.head[s, history.LAST_AT]:
        return
    if not history.same_session(known.users, s, e.session[i], e.at_ms[i]):
        pulse.open_session(known.users.pulse, s)
    elif world.ranker_learns and not out.flags[i] & SKIPPED:
        # What was not tested, for want of a list, was missed.
        two_stage.learn_one(ranker, weights, known, s, e.track[i], max(MISS, out.rank[i]))


@kernel
def _play(known: Known, s: int, e: Events, i: int, world: World, ranker: Ranker, weights: Weights, out: Outcomes) -> None:
    users = known.users
    flags = history.play_flags(e.ms_played[i], e.duration_ms[i], e.ended[i])
    out.flags[i] = flags
    _test(known, s, e, i, out)
    _teach(known, s, e, i, world, out)
    if world.listening_below > 0.0 and is_sampled(e.user[i], world.listening_below):
        note_play(out.listens, i, known, s, e.track[i])
    _learn_ranking(known, s, e, i, world, ranker, weights, out)
    if e.import_source[i] == 0:  # nobody looks at lists while an old history is imported
        fatigue.note(users, s, e.track[i], e.at_ms[i], world.fatigue_next, world.fatigue)
    kept = flags | history.heard(e.ms_played[i], e.duration_ms[i]) << history.HEARD_SHIFT if flags & SKIPPED else flags
    late = history.learn_play(users, s, e.track[i], e.at_ms[i], e.session[i], kept, e.event_hash[i], e.album[i])
    _emit_play(users, s, e, i, flags, late, out)


@kernel
def _decide(users: UserArrays, s: int, e: Events, i: int) -> None:
    """An event that is neither play nor erasure."""
    kind = e.kind[i]
    if kind in (PAUSE, RESUME):
        users.head[s, history.PAUSED] = kind == PAUSE
    elif kind in (UNDO, FORGET):
        if kind == UNDO:
            marks.undo(users, s, e.target[i])
        history.forget(users, s, e.track[i], e.target[i])
    else:
        block = marks.BLOCK if e.track[i] != 0 else marks.BLOCK_ARTIST
        mark = marks.LIKE if kind == LIKE else marks.DISLIKE if kind == DISLIKE else block
        until_s = marks.ENDED if kind == UNBLOCK else np.int64(e.until_s[i])
        marks.decide(users, s, e.track[i] if e.track[i] != 0 else e.artist[i], mark, until_s, e.event_hash[i], e.at_ms[i])


@kernel
def _is_dropped(users: UserArrays, s: int, e: Events, i: int, out: Outcomes) -> bool:
    if e.kind[i] == REJECTED_KIND:
        out.outcome[i] = REJECTED
    elif history.is_repeat(users, s, e.event_hash[i], e.import_source[i], e.import_row[i]):
        out.outcome[i] = DUPLICATE
    elif e.private[i] or (e.kind[i] == PLAY and users.head[s, history.PAUSED]):
        out.outcome[i] = PRIVATE
    else:
        return False
    return True


@kernel
def handle_one(
    known: Known,
    events: Events,
    i: int,
    world: World,
    ranker: Ranker,
    weights: Weights,
    best: Best,
    lists: Lists,
    row: int,
    out: Outcomes,
    missing: I64,
) -> bool:
    """Handle event `i`; says whether it has lists, which are in the rows `row` and `row + 1` then."""
    s, users = events.slot[i], known.users
    if _is_dropped(users, s, events, i, out):
        return False
    if events.kind[i] == ERASE:
        if world.listening_below > 0.0 and is_sampled(events.user[i], world.listening_below):
            note(out.listens, i)
        history.reset(users, s)
        return False
    history.remember_event(users, s, events.event_hash[i], events.import_source[i], events.import_row[i])
    ranker.moment.told[:] = 0
    if events.kind[i] == PLAY:
        ranker.moment.told[0] = events.track[i]
        ranker.moment.told[1] = events.artist[i]
        _play(known, s, events, i, world, ranker, weights, out)
    elif events.kind[i] != RADIO:
        _decide(users, s, events, i)
    _rank(known, s, events.event_hash[i], events.at_ms[i], world, ranker, weights, best, lists, row, missing)
    out.row[i] = row
    return True


@kernel
def handle(
    known: Known, events: Events, world: World, ranker: Ranker, weights: Weights, best: Best, lists: Lists, out: Outcomes, missing: I64
) -> int:
    """Handle every event in order; returns how many rows of `lists` were written (two per event that has lists)."""
    row = 0
    for i in range(events.kind.shape[0]):
        look_ahead(known, events, i, ranker.reach)
        if handle_one(known, events, i, world, ranker, weights, best, lists, row, out, missing):
            row += 2
    return row
