"""The learned ranker over a small log: what must hold for every list, whatever was learned."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from benchmarks.micro_rank import CHUNK, Log, new_events, new_known, quality, replay, run
from online_models import history, marks, rank, two_stage
from online_models.arrays import F32, I32, I64
from online_models.artists import nobody_said
from online_models.moment import Known
from online_models.plays import NO_FINISH, NOT_TESTED, World, new_outcomes
from online_models.presets import PRESETS, new_ranker
from online_models.rank import new_best, new_lists
from online_models.two_stage import Ranker
from online_models.weights import Weights, encode, new_weights
from tests.circle_log import N_PLAYS, N_TRACKS, N_USERS, a_log

NOW_MS = 1_500_000_000_000


class Replayed(NamedTuple):
    known: Known
    ranker: Ranker
    weights: Weights
    place: I32


def replayed(log: Log, preset: str = "fast", cuts: tuple[int, ...] = (), n_rankings: int = 64) -> Replayed:
    p = PRESETS[preset]
    known = new_known(log, p)
    known = known._replace(popular=log.key_of[:5].copy(), popular_weight=np.linspace(1, 0.5, 5).astype(np.float32))
    ranker, weights, out = new_ranker(p, n_rankings), new_weights(), new_outcomes(N_PLAYS)
    world = World(nobody_said(known.tracks.map_keys, known.tracks.map_slots), NO_FINISH, 0.0, True)
    bounds = [0, *cuts, N_PLAYS]
    for a, b in zip(bounds, bounds[1:], strict=False):
        replay(known, new_events(log), a, b, world, ranker, weights, new_best(), new_lists(2), out, np.zeros(2, np.int64))
    return Replayed(known, ranker, weights, np.where(out.in_session == 1, out.rank, NOT_TESTED))


def listed(w: Replayed, s: int) -> tuple[F32, I64, I64]:
    """The chances of `next` and both lists of the user in slot `s`, now."""
    best, pool, tracks = new_best(), w.ranker.pool, w.known.tracks
    two_stage.rank_one(w.ranker, w.weights, w.known, s, np.zeros(8, np.int64))
    names, missing = nobody_said(tracks.map_keys, tracks.map_slots), np.zeros(2, np.int64)
    marks.weigh(pool, w.known.users, s, NOW_MS, names, tracks, missing)
    rank.pick(pool, w.known.users, s, names, tracks, rank.NO_CAP, best, missing)
    return best.next_chance[: best.n[0]], pool.key[best.next[: best.n[0]]], pool.key[best.discover[: best.n[1]]]


@pytest.mark.parametrize("preset", list(PRESETS))
def test_it_learns_the_ways_of_the_log(preset: str) -> None:
    place = replayed(a_log(), preset).place
    early, late = quality(place[:300])[2], quality(place[-1_000:])[2]
    assert quality(place)[0] == N_PLAYS - N_PLAYS // 10, "all but what opens a session is tested"
    assert late > 0.45 > early


def test_cutting_the_log_elsewhere_changes_nothing() -> None:
    whole, cut = replayed(a_log()), replayed(a_log(), cuts=(1, 2, 700, 701, 2_222))
    assert (whole.place == cut.place).all()
    assert encode(whole.weights) == encode(cut.weights)
    near, other = whole.known.tracks.neighbours, cut.known.tracks.neighbours
    assert np.array_equal(near.counts, other.counts) and np.array_equal(near.dst, other.dst)


def test_other_ids_give_the_same_lists() -> None:
    """Bits turned in every hash turn signs in every vector, and leave all cosines as they are, to the last bit."""
    log, other = a_log(), a_log(renamed=0x5A17_93C4_0F6B_E2D8)
    w, v = replayed(log), replayed(other)
    assert (w.place == v.place).all()
    track = {int(key): t for t, key in enumerate(log.key_of.tolist())}
    for s in range(N_USERS):
        for mine, theirs in zip(listed(w, s)[1:], listed(v, s)[1:], strict=True):
            assert [int(other.key_of[track[int(key)]]) for key in mine] == theirs.tolist()


def test_other_hashes_are_as_good() -> None:
    """With all of them new, vectors point elsewhere: the lists differ by that chance alone."""
    hr, mrr = quality(replayed(a_log()).place)[1:]
    assert quality(replayed(a_log(seed=21)).place)[1:] == pytest.approx((hr, mrr), abs=0.01)


def test_what_comes_later_changes_no_place() -> None:
    log, other = a_log(), a_log()
    later = np.random.default_rng(11).integers(0, N_TRACKS, N_PLAYS - 1_500).astype(np.int32)
    other.track[1_500:] = later
    other.key[1_500:] = other.key_of[later]
    assert (replayed(log).place[:1_500] == replayed(other).place[:1_500]).all()


def test_nothing_blocked_is_listed_and_nothing_played_is_in_discover() -> None:
    w = replayed(a_log())
    for s in range(N_USERS):
        for key in listed(w, s)[1][:4].tolist():
            marks.decide(w.known.users, s, key, marks.BLOCK, history.FOR_EVER, 1, NOW_MS)
        blocked = set(w.known.users.mark_track[s, : w.known.users.head[s, history.N_MARKS]].tolist())
        chance, next_, discover = listed(w, s)
        assert not blocked & {*next_.tolist(), *discover.tolist()}
        assert not any(history.has_played(w.known.users, s, key) for key in discover.tolist())
        assert len(set(next_.tolist())) == len(next_) > 0
        assert (np.diff(chance) <= 0).all()


def test_everything_learned_is_finite() -> None:
    w = replayed(a_log())
    near, weights = w.known.tracks.neighbours, w.weights
    for array in (*weights.gate, *weights.bilinear, w.known.users.pulse, near.counts, near.total, w.known.tracks.vectors):
        assert np.isfinite(array).all()
    assert (weights.bilinear.square > 1e-2).any()
    assert weights.lessons[0] > N_PLAYS // 2


def test_where_rankings_give_way_less_is_learned_and_nothing_breaks() -> None:
    crowded, roomy = replayed(a_log(), n_rankings=1), replayed(a_log())
    assert crowded.weights.lessons[0] < roomy.weights.lessons[0]
    assert quality(crowded.place)[1] > 0.5


def test_somebody_new_gets_what_is_popular() -> None:
    w = replayed(a_log())
    history.reset(w.known.users, 0)
    _, next_, discover = listed(w, 0)
    assert next_.tolist() == discover.tolist()
    assert set(next_.tolist()) == set(w.known.popular.tolist())


def test_the_benchmark_measures_every_preset() -> None:
    for preset in PRESETS.values():
        place, seconds = run(a_log(), preset)
        assert (seconds > 0).all() and len(seconds) == len(place) // CHUNK
        assert quality(place[2 * CHUNK :])[1] > 0.5
