"""Both lists against a plain sort of all candidates; names that are not in memory; what an entry says of itself."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np
import pytest
from numpy.random import Generator

from online_models import history, marks, rank, signals
from online_models.arrays import I32
from online_models.artists import NOT_SAID, nobody_said
from online_models.hashmap import new_map, put
from online_models.history import new_users
from online_models.items import SKIPPED
from online_models.pool import Pool, meet, new_pool
from online_models.rank import NO_CAP, Cap
from online_models.track_state import new_tracks

USER = 3


class World(NamedTuple):
    """Some candidates, which of them the user played or blocked, and which have a name."""

    pool: Pool
    order: list[int]
    """Keys, the likeliest first; equals as they were met."""
    played: set[int]
    blocked: set[int]
    named: set[int]
    artist: dict[int, int]
    """Of the tracks whose artist is known."""


def a_world(rng: Generator, n: int, nameless: int) -> World:
    pool = new_pool()
    keys = [int(key) for key in rng.integers(1, 2**62, n)]
    for key in keys:
        pool.chance[meet(pool, key)] = float(rng.integers(0, 40)) / 8  # many equals
    chance = {int(pool.key[i]): float(pool.chance[i]) for i in range(pool.n[0])}
    some = [keys[i] for i in rng.permutation(n)]
    order = sorted((key for key in chance if chance[key] > 0), key=lambda key: -chance[key])
    artist = {key: 1 + int(rng.integers(0, max(2, n // 20))) for key in some[n // 5 :]}
    return World(pool, order, set(some[: n // 3]), set(some[-2:]), set(some[nameless:]), artist)


def picked(w: World, cap: Cap = NO_CAP) -> tuple[list[int], list[int], list[int]]:
    """Both lists, and what was noted as missing."""
    users = new_users(8, 1, 1)
    for key in w.played:
        history.learn_play(users, USER, key, 1_000, 0, 0, 0)
    for key in w.blocked:
        marks.decide(users, USER, key, marks.BLOCK, history.FOR_EVER, 1, 1_000)
    names, tracks = nobody_said(*new_map(int(w.pool.n[0]))), new_tracks(1, *new_map(1), 1, 1, 1)
    for slot, key in enumerate(sorted(w.named)):
        put(names.keys, names.slots, key, slot)
        names.artist[slot] = w.artist.get(key, NOT_SAID)
    best, missing = rank.new_best(), np.zeros(64, np.int64)
    marks.weigh(w.pool, users, USER, 1_000, names, tracks, missing)
    rank.pick(w.pool, users, USER, names, tracks, cap, best, missing)
    return _keys(w, best.next, best.n[0]), _keys(w, best.discover, best.n[1]), missing[1 : missing[0] + 1].tolist()


def _keys(w: World, best: I32, n: int) -> list[int]:
    return [int(w.pool.key[i]) for i in best[:n]]


def sorted_out(w: World, cap: Cap = NO_CAP) -> tuple[list[int], list[int]]:
    """What both lists must be."""
    best = [key for key in w.order if key not in w.blocked and key in w.named]
    return capped(w, best, cap.next), capped(w, [key for key in best if key not in w.played], cap.discover)


def taken_for_played(w: World) -> set[int]:
    """A Bloom filter knows what was played, and takes another track for one of them now and then."""
    users = new_users(8, 1, 1)
    for key in w.played:
        history.learn_play(users, USER, key, 1_000, 0, 0, 0)
    return {key for key in w.order if history.has_played(users, USER, key)}


def capped(w: World, best: list[int], most: int) -> list[int]:
    """One after the other, as long as the artist may have one more."""
    listed, held = [], Counter[int]()
    for key in best:
        artist = w.artist.get(key)
        if artist is None or most == 0 or held[artist] < most:
            listed.append(key)
            held.update([] if artist is None else [artist])
    return listed[: rank.LENGTH]


@pytest.mark.parametrize("n", [3, 19, 60, 300])
@pytest.mark.parametrize("nameless", [0, 1, 30])
def test_both_lists_are_the_best_of_all_candidates(n: int, nameless: int) -> None:
    for seed in range(5):
        w = a_world(np.random.default_rng([seed, n, nameless]), n, min(nameless, n))
        listed, discover, _ = picked(w)
        assert (listed, discover) == sorted_out(w)


@pytest.mark.parametrize("n", [3, 19, 60, 300])
@pytest.mark.parametrize("cap", [Cap(0, 2), Cap(2, 0), Cap(3, 1), Cap(1, 1)])
def test_with_a_cap_each_artist_has_its_best_tracks_and_no_more(n: int, cap: Cap) -> None:
    n_changed = 0
    for seed in range(8):
        w = a_world(np.random.default_rng([seed, n]), n, min(seed, n))
        listed, discover, _ = picked(w, cap)
        seen = w._replace(played=taken_for_played(w))
        assert (listed, discover) == sorted_out(seen, cap)
        n_changed += sorted_out(seen, cap) != sorted_out(seen)
    assert n < 60 or n_changed > 4, "the cap is at work"


def test_a_missing_name_is_noted_when_its_track_would_have_been_listed() -> None:
    w = a_world(np.random.default_rng(1), 200, 30)
    _, _, missing = picked(w)
    everything_named = w._replace(named=set(w.order))
    wanted = {key for tracks in sorted_out(everything_named) for key in tracks}
    assert set(missing) == wanted - w.named
    assert missing, "the seed gives some"


def test_what_was_skipped_lately_is_less_likely_each_time_and_the_sooner_the_less() -> None:
    w = a_world(np.random.default_rng(3), 5, 0)
    users, chance = new_users(8, 1, 1), w.pool.chance.copy()
    for i, heard in ((1, 0), (3, 0), (3, 0), (2, 15), (4, 6)):
        history.learn_play(users, USER, int(w.pool.key[i]), 1_000, 0, SKIPPED | heard << history.HEARD_SHIFT, 0)
    rank.damp(w.pool, users, USER)
    assert w.pool.chance[:5] == pytest.approx(chance[:5] * [1, 0.2, 0.6, 0.04, 0.36])


def test_the_strongest_source_is_named_with_the_plays_that_brought_it() -> None:
    pool, best, out = new_pool(), rank.new_best(), rank.new_lists(2)
    i = meet(pool, 77)
    pool.signal[signals.ALIKE, i], pool.signal[signals.PAST_NEAR, i], pool.signal[signals.POPULAR, i] = 0.5, 0.4, 0.3
    pool.via[i] = 0b100 | 1 << 11
    best.cause[:] = np.arange(rank.CAUSES)
    best.next[0], best.n[0], best.name[i] = i, 1, 500
    for part, wanted in (
        ({signals.ALIKE: 1.0}, ("alike", [2, 11])),
        ({signals.PAST_NEAR: 1.0}, ("past", [11, -1])),
        ({signals.POPULAR: 1.0}, ("popular", [-1, -1])),
        ({signals.ALIKE: 1.0, signals.POPULAR: 2.0}, ("popular", [-1, -1])),
    ):
        weight = np.zeros(signals.N_SIGNALS, np.float32)
        weight[list(part)] = list(part.values())
        rank._write(pool, best, best.next, 1, weight, out, 0, True)
        assert (signals.SOURCES[out.source[0, 0]], out.because[0, 0].tolist()) == wanted
