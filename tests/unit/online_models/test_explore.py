"""Places of `discover` that explore: which, with what, and that the chances which are told are the true ones."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np
import pytest

from online_models import explore, history, marks, rank
from online_models.arrays import I32
from online_models.artists import NOT_SAID, NameTable, nobody_said
from online_models.explore import DRAWN, KEPT, NOT_EXPLORING
from online_models.hashmap import new_map, put
from online_models.history import UserArrays, new_users
from online_models.pool import Pool, meet, new_pool
from online_models.rank import LENGTH, NO_CAP, Best, Cap, new_best
from online_models.signals import TIMES
from online_models.track_state import new_tracks

USER, SHARE = 3, 0.2


class World(NamedTuple):
    """A ranking, and who it is for."""

    pool: Pool
    users: UserArrays
    names: NameTable
    cap: Cap
    free: set[int]
    """Keys of what may be drawn."""
    hidden: set[int]
    """Keys of what may not be shown, although it may be drawn."""
    nameless: set[int]
    next: list[int]
    discover: list[int]
    """Keys of the best."""


NO_ROWS = new_tracks(1, *new_map(1), 1, 1, 1)


def picked(pool: Pool, users: UserArrays, names: NameTable, cap: Cap) -> Best:
    best = new_best()
    rank.pick(pool, users, USER, names, NO_ROWS, cap, best, np.zeros(64, np.int64))
    return best


def a_world(n: int = 90, seed: int = 1, cap: Cap = NO_CAP) -> World:
    """Some candidates: the user played every ninth, the half of it lately; of the worse half two are blocked, and some have no name."""
    rng = np.random.default_rng(seed)
    pool, users = new_pool(), new_users(8, 1, 1)
    keys = [int(key) for key in rng.integers(1, 2**62, n)]
    for key in keys:
        pool.chance[meet(pool, key)] = float(rng.random())
    pool.chance[2] = 0.0
    worse = sorted(keys, key=lambda key: pool.chance[keys.index(key)])[: n // 2]
    played, blocked, nameless = set(keys[::9]), set(worse[1:3]), set(worse[4::5])
    for key in played:
        history.learn_play(users, USER, key, 1_000, 0, 0, 1)
    for key in keys[::18]:
        pool.signal[TIMES, meet(pool, key)] = 1.0
    for key in blocked:
        marks.decide(users, USER, key, marks.BLOCK, history.FOR_EVER, 1, 1_000)
    names = nobody_said(*new_map(n))
    for slot, key in enumerate(sorted(set(keys) - nameless)):
        put(names.keys, names.slots, key, slot)
        names.artist[slot] = artist(key)
    marks.weigh(pool, users, USER, 1_000, names, NO_ROWS, np.zeros(64, np.int64))
    best = picked(pool, users, names, cap)
    next_, discover = _keys(pool, best.next[: best.n[0]]), _keys(pool, best.discover[: best.n[1]])
    free = set(keys) - {keys[2]} - set(keys[::18]) - blocked - set(next_) - set(discover)
    if cap.discover:
        free = admitted(keys, free, discover, nameless, cap.discover)
    return World(pool, users, names, cap, free, free & (played | nameless), nameless, next_, discover)


def artist(key: int) -> int:
    """Of every third nobody knows it."""
    return NOT_SAID if key % 3 == 0 else 1 + key % 17


def admitted(keys: list[int], free: set[int], discover: list[int], nameless: set[int], most: int) -> set[int]:
    """In the order met, as many of each artist as there is room for; of a track without a name nobody can tell."""
    held = Counter(artist(key) for key in discover)
    found = set[int]()
    for key in keys:
        if key in free:
            who = NOT_SAID if key in nameless else artist(key)
            held[who] += 1
            found |= {key} if who == NOT_SAID or held[who] <= most else set()
    return found


def explored(w: World, event_hash: int, share: float = SHARE) -> tuple[list[int], Best]:
    """Keys of `discover`, and what is told of them."""
    best = picked(w.pool, w.users, w.names, w.cap)
    explore.explore(w.pool, w.users, USER, w.names, NO_ROWS, w.cap, event_hash, share, best, np.zeros(64, np.int64))
    return _keys(w.pool, best.discover[: best.n[1]]), best


def _keys(pool: Pool, listed: I32) -> list[int]:
    return [int(pool.key[i]) for i in listed]


def hashes(n: int) -> list[int]:
    return [int(h) for h in np.random.default_rng(5).integers(-(2**63), 2**63 - 1, n)]


def test_a_place_that_explores_gets_a_free_track_and_the_others_do_not_move() -> None:
    w = a_world()
    assert len(w.free) > LENGTH == len(w.discover)
    for event_hash in hashes(300):
        discover, best = explored(w, event_hash)
        places = np.flatnonzero(best.explored == DRAWN).tolist()
        assert {discover[j] for j in places} <= w.free - w.hidden
        assert all(discover[j] == w.discover[j] for j in range(LENGTH) if j not in places)
        assert len(set(discover)) == LENGTH and _keys(w.pool, best.next[: best.n[0]]) == w.next
        assert best.among[0] == len(w.free)


def test_what_is_listed_afterwards_has_its_name_and_its_place() -> None:
    w = a_world()
    discover, best = explored(w, hashes(1)[0], share=1.0)
    listed = _keys(w.pool, best.listed[: best.n_listed[0]])
    assert sorted(listed) == sorted({*w.next, *discover})
    slots = {key: slot for slot, key in enumerate(sorted(set(w.names.keys[w.names.keys != 0].tolist())))}
    for i in best.listed[: best.n_listed[0]]:
        assert best.name[i] == slots[int(w.pool.key[i])]
    assert not best.stands.any(), "the marks are gone"
    assert not best.known[best.discover[:LENGTH]].any()


CAPPED = Cap(0, 2)


@pytest.mark.parametrize("event_hash", hashes(200))
def test_a_list_that_explored_keeps_to_the_cap(event_hash: int) -> None:
    w = a_world(260, cap=CAPPED)
    discover, best = explored(w, event_hash, share=0.9)
    assert np.count_nonzero(best.explored == DRAWN) > LENGTH // 3 and best.among[0] == len(w.free)
    held = Counter(artist(key) for key in discover)
    assert max(n for who, n in held.items() if who != NOT_SAID) <= CAPPED.discover


@pytest.mark.parametrize(("n_candidates", "cap"), [(90, NO_CAP), (260, CAPPED)])
def test_the_chances_that_are_told_are_the_true_ones(n_candidates: int, cap: Cap) -> None:
    w, n = a_world(n_candidates, cap=cap), 20_000
    stood, kept = np.zeros((LENGTH, 2**7)), 0
    shown = {key: k for k, key in enumerate(sorted(w.free - w.hidden))}
    for event_hash in hashes(n):
        discover, best = explored(w, event_hash)
        kept += int(np.count_nonzero(best.explored == KEPT))
        for j in np.flatnonzero(best.explored == DRAWN).tolist():
            stood[j, shown[discover[j]]] += 1
    expected = SHARE / len(w.free) * n
    by_track = stood[:, : len(shown)]
    assert len(w.hidden) > len(w.hidden & w.nameless) > 3
    assert kept / (LENGTH * expected * len(w.hidden)) == pytest.approx(1.0, abs=0.05)
    assert np.abs(by_track.sum(axis=1) / n - SHARE * len(shown) / len(w.free)).max() < 0.015, "each place"
    assert np.abs(by_track.sum(axis=0) / (LENGTH * expected) - 1).max() < 3.5 / np.sqrt(LENGTH * expected), "each track"
    chi_square = ((by_track - expected) ** 2 / expected).sum()
    degrees = by_track.size
    assert abs(chi_square - degrees) < 5 * np.sqrt(2 * degrees), "each track at each place"


def test_a_track_without_a_name_is_asked_for() -> None:
    w, seen = a_world(), set[int]()
    for event_hash in hashes(50):
        best, missing = picked(w.pool, w.users, w.names, w.cap), np.zeros(64, np.int64)
        explore.explore(w.pool, w.users, USER, w.names, NO_ROWS, w.cap, event_hash, 0.5, best, missing)
        noted = missing[1 : missing[0] + 1].tolist()
        assert set(noted) <= w.nameless & w.free and bool(noted) <= (best.explored == KEPT).any()
        seen |= set(noted)
    assert seen == w.nameless & w.free


def test_the_event_decides_and_nothing_else() -> None:
    w = a_world()
    for event_hash in hashes(20):
        assert explored(w, event_hash)[0] == explored(w, event_hash)[0]
    assert len({tuple(explored(w, event_hash)[0]) for event_hash in hashes(20)}) > 15


def test_which_places_explore_does_not_depend_on_the_candidates() -> None:
    w, v = a_world(), a_world(seed=2)
    for event_hash in hashes(50):
        mine, others = explored(w, event_hash)[1].explored, explored(v, event_hash)[1].explored
        assert (mine > 0).tolist() == (others > 0).tolist()


@pytest.mark.parametrize("n", [3, 12, 30, 60])
def test_a_list_with_fewer_free_candidates_than_places_does_not_explore(n: int) -> None:
    w = a_world(n)
    assert (len(w.free) < len(w.discover)) == (n < 60)
    for event_hash in hashes(20):
        discover, best = explored(w, event_hash, share=1.0)
        if n < 60:
            assert discover == w.discover and best.among[0] == NOT_EXPLORING and not best.explored.any()
        else:
            assert {key for key, what in zip(discover, best.explored, strict=False) if what == DRAWN} <= w.free and best.explored.all()


def test_a_share_of_nothing_explores_nothing() -> None:
    w = a_world()
    discover, best = explored(w, hashes(1)[0], share=0.0)
    assert discover == w.discover and best.among[0] == NOT_EXPLORING
