"""The learned ranker over a small log: what must hold for every list, whatever was learned."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from benchmarks.micro_rank import CHUNK, Log, new_known, quality, replay, run
from online_models import history, two_stage
from online_models.arrays import I32, I64
from online_models.bilinear import Bilinear, new_bilinear
from online_models.mixture import Gate, new_gate
from online_models.moment import Known
from online_models.presets import PRESETS, new_ranker
from online_models.two_stage import Pair, Ranker, new_pair

N_PLAYS, N_TRACKS, N_USERS = 3_000, 90, 24


def a_log(seed: int = 20, renamed: int = 0) -> Log:
    """Users, two at a time, who mostly walk on around a circle of tracks, each with favourites; `renamed` changes bits of every hash."""
    rng = np.random.default_rng(10)
    half = np.tile([0, N_USERS // 2], N_PLAYS // 20)
    slot = np.repeat(rng.integers(0, N_USERS // 2, N_PLAYS // 10) + half, 10)
    start = np.repeat(rng.integers(0, N_TRACKS, N_PLAYS // 10), 10)
    step = np.tile(np.arange(10), N_PLAYS // 10)
    walk = (start + step + (rng.random(N_PLAYS) < 0.1) * rng.integers(0, 9, N_PLAYS)) % N_TRACKS
    track = np.where(rng.random(N_PLAYS) < 0.15, (slot * 7 + rng.integers(0, 3, N_PLAYS)) % N_TRACKS, walk).astype(np.int32)
    key_of = np.random.default_rng(seed).integers(1, 2**63 - 1, N_TRACKS) ^ renamed
    session = np.repeat(np.arange(1, N_PLAYS // 10 + 1), 10)
    turns = np.arange(N_PLAYS).reshape(-1, 2, 10).transpose(0, 2, 1).ravel()
    slot, track, session = slot[turns], track[turns], session[turns]
    return Log(
        slot=slot.astype(np.int32),
        key=key_of[track],
        track=track,
        at_ms=(1_400_000_000 + np.arange(N_PLAYS) * 200) * 1_000,
        ms_played=np.full(N_PLAYS, 200_000, np.int32),
        session=session,
        key_of=key_of,
    )


class Replayed(NamedTuple):
    known: Known
    ranker: Ranker
    gate: Gate
    weights: Bilinear
    place: I32


def replayed(log: Log, preset: str = "fast", cuts: tuple[int, ...] = (), n_rankings: int = 64) -> Replayed:
    p = PRESETS[preset]
    known = new_known(log, p.neighbours, p.visits)
    known = known._replace(popular=log.key_of[:5].copy(), popular_weight=np.linspace(1, 0.5, 5).astype(np.float32))
    world = Replayed(known, new_ranker(p, N_USERS, n_rankings), new_gate(), new_bilinear(), np.zeros(N_PLAYS, np.int32))
    bounds = [0, *cuts, N_PLAYS]
    for a, b in zip(bounds, bounds[1:], strict=False):
        replay(world.ranker, world.gate, world.weights, known, log, a, b, new_pair(), world.place)
    return world


def listed(w: Replayed, s: int) -> tuple[Pair, I64, I64]:
    """Both lists of the user in slot `s`, now."""
    pair = new_pair()
    r = two_stage.rank_one(w.ranker, w.gate, w.weights, w.known, s)
    two_stage.pick(w.ranker, w.known.users, s, r, pair)
    return pair, pair.next[: pair.n[0]], pair.discover[: pair.n[1]]


@pytest.mark.parametrize("preset", list(PRESETS))
def test_it_learns_the_ways_of_the_log(preset: str) -> None:
    place = replayed(a_log(), preset).place
    early, late = quality(place[:300])[2], quality(place[-1_000:])[2]
    assert quality(place)[0] == N_PLAYS - N_PLAYS // 10, "all but what opens a session is tested"
    assert late > 0.45 > early


def test_cutting_the_log_elsewhere_changes_nothing() -> None:
    whole, cut = replayed(a_log()), replayed(a_log(), cuts=(1, 2, 700, 701, 2_222))
    assert (whole.place == cut.place).all()
    for a, b in ((whole.gate, cut.gate), (whole.weights, cut.weights), (whole.known.neighbours, cut.known.neighbours)):
        assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))  # type: ignore[arg-type]


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
            history.block(w.known.users, s, key)
        blocked = set(w.known.users.blocks[s, : w.known.users.head[s, history.N_BLOCKS]].tolist())
        pair, next_, discover = listed(w, s)
        assert not blocked & {*next_.tolist(), *discover.tolist()}
        assert not any(history.has_played(w.known.users, s, key) for key in discover.tolist())
        assert len(set(next_.tolist())) == len(next_) > 0
        assert (np.diff(pair.next_chance[: len(next_)]) <= 0).all()


def test_everything_learned_is_finite() -> None:
    w = replayed(a_log())
    for arrays in (w.gate, w.weights, w.ranker.pulse, w.known.neighbours.counts, w.known.neighbours.total):
        assert all(np.isfinite(x).all() for x in (arrays if isinstance(arrays, tuple) else [arrays]))
    assert (w.weights.square > 1e-2).any()


def test_where_rankings_give_way_less_is_learned_and_nothing_breaks() -> None:
    crowded, roomy = replayed(a_log(), n_rankings=1), replayed(a_log())
    assert crowded.weights.square.sum() < roomy.weights.square.sum()
    assert quality(crowded.place)[1] > 0.5


def test_somebody_new_gets_what_is_popular() -> None:
    w = replayed(a_log())
    history.reset(w.known.users, 0)
    _, next_, discover = listed(w, 0)
    assert next_.tolist() == discover.tolist()
    assert set(next_.tolist()) == set(w.known.popular.tolist())


def test_the_benchmark_measures_every_preset() -> None:
    for preset in ("plain", *PRESETS):
        place, seconds = run(a_log(), preset)
        assert seconds > 0
        assert quality(place[2 * CHUNK :])[1] > 0.5
