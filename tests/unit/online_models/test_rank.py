"""Both lists against a plain sort of all candidates; names that are not in memory; the table that finds candidates."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from numpy.random import Generator

from online_models import candidates, history, rank
from online_models.arrays import I32, I64
from online_models.candidates import CANDIDATES_MAX, TABLE, Scratch, add, clear, new_scratch
from online_models.covisits import new_tracks
from online_models.hashmap import new_map, put
from online_models.history import new_users

USER = 3


class World(NamedTuple):
    """Some candidates, which of them the user played or blocked, and which have a name."""

    scratch: Scratch
    score: dict[int, float]
    played: set[int]
    blocked: set[int]
    named: set[int]


def a_world(rng: Generator, n: int, nameless: int) -> World:
    c = new_scratch()
    keys = [int(key) for key in rng.integers(1, 2**62, n)]
    for key in keys:
        add(c, key, float(rng.integers(0, 40)) / 8, 1)  # many equal scores: the hash decides
    score = {int(c.key[i]): float(c.score[i]) for i in range(c.n[0])}
    some = [keys[i] for i in rng.permutation(n)]
    return World(c, score, set(some[: n // 3]), set(some[-2:]), set(some[nameless:]))


def picked(w: World) -> tuple[list[int], list[int], list[int]]:
    """Both lists, and what was noted as missing."""
    users = new_users(8, 1, 1)
    for key in w.played:
        history.learn_play(users, USER, key, 1_000, 0, 0)
    for key in w.blocked:
        history.block(users, USER, key)
    name_keys, name_slots = new_map(len(w.score))
    for slot, key in enumerate(sorted(w.named)):
        put(name_keys, name_slots, key, slot)
    best, missing = rank.new_best(), np.zeros(64, np.int64)
    rank.pick(w.scratch, users, USER, name_keys, name_slots, new_tracks(1, *new_map(1)), best, missing)
    return _keys(w, best.next, best.n[0]), _keys(w, best.discover, best.n[1]), missing[1 : missing[0] + 1].tolist()


def _keys(w: World, best: I32, n: int) -> list[int]:
    return [int(w.scratch.key[i]) for i in best[:n]]


def sorted_out(w: World) -> tuple[list[int], list[int]]:
    """What both lists must be."""
    fit = [key for key, score in w.score.items() if score > 0 and key not in w.blocked and key in w.named]
    best = sorted(fit, key=lambda key: (-w.score[key], key))
    return best[: rank.LENGTH], [key for key in best if key not in w.played][: rank.LENGTH]


@pytest.mark.parametrize("n", [3, 19, 60, 300])
@pytest.mark.parametrize("nameless", [0, 1, 30])
def test_both_lists_are_the_best_of_all_candidates(n: int, nameless: int) -> None:
    for seed in range(5):
        w = a_world(np.random.default_rng([seed, n, nameless]), n, min(nameless, n))
        listed, discover, _ = picked(w)
        assert (listed, discover) == sorted_out(w)


def test_a_missing_name_is_noted_when_its_track_would_have_been_listed() -> None:
    w = a_world(np.random.default_rng(1), 200, 30)
    _, _, missing = picked(w)
    everything_named = w._replace(named=set(w.score), scratch=w.scratch)
    wanted = {key for tracks in sorted_out(everything_named) for key in tracks}
    assert set(missing) == wanted - w.named
    assert missing, "the seed gives some"


def test_the_table_forgets_the_last_play() -> None:
    c = new_scratch()
    same_place = [(k << 20) | 5 for k in range(1, 8)]
    for key in same_place:
        add(c, key, 1.0, 1)
    clear(c)
    assert not c.place.any()
    assert add(c, same_place[3], 2.0, 2) == 0
    assert add(c, same_place[3], 0.5, 4) == 0
    assert (c.score[0], c.via[0], c.n[0]) == (2.5, 6, 1)


def test_the_table_takes_as_many_candidates_as_the_sources_can_bring() -> None:
    c = new_scratch()
    keys: I64 = np.random.default_rng(0).integers(1, 2**62, CANDIDATES_MAX)
    for key in keys.tolist():
        add(c, key, 1.0, 1)
    assert c.n[0] == len(set(keys.tolist()))
    assert candidates.TABLE == TABLE == len(c.place)
