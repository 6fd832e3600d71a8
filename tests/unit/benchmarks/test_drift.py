"""A switched stream is another one from the switch on, and the bench tells what the watch gives on it."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.drift import LOOK_BACK, age, copied, new_state, play, recovery
from benchmarks.micro_rank import CHUNK, Log
from benchmarks.switches import NONE, SWITCHES
from online_models.arrays import I32
from online_models.plays import MISS, NOT_TESTED
from online_models.presets import PRESETS
from online_models.weights import encode, new_weights
from tests.circle_log import N_PLAYS, a_log

AT = 1_000


def switched(name: str, seed: int = 1) -> Log:
    return SWITCHES[name].change(a_log(), AT, np.random.default_rng(seed))


@pytest.mark.parametrize("name", list(SWITCHES))
def test_nothing_changes_before_the_switch_and_hashes_go_with_their_tracks(name: str) -> None:
    before, after = a_log(), switched(name)
    for field in set(Log._fields) - {"key_of"}:
        assert np.array_equal(getattr(before, field)[:AT], getattr(after, field)[:AT]), field
    assert np.array_equal(after.key_of[after.track], after.key)
    whole = [getattr(after, field) for field in Log._fields]
    assert (name == NONE) is all(map(np.array_equal, whole, [getattr(before, field) for field in Log._fields]))


@pytest.mark.parametrize("name", ["tracks", "half", "shuffled", "listeners"])
def test_another_seed_is_another_draw(name: str) -> None:
    one, other = switched(name, 1), switched(name, 2)
    assert not (np.array_equal(one.track, other.track) and np.array_equal(one.slot, other.slot))


def test_after_a_switch_to_what_is_fresh_nobody_repeats() -> None:
    log = switched("fresh")
    pairs = [*zip(log.slot.tolist(), log.track.tolist(), strict=True)]
    assert not any(pair in set(pairs[: AT + i]) for i, pair in enumerate(pairs[AT:]))


def test_shuffled_sessions_hold_the_same_tracks_at_the_same_times() -> None:
    def held(log: Log) -> list[tuple[int, int]]:
        return sorted(zip(log.session[AT:].tolist(), log.track[AT:].tolist(), strict=True))

    before, after = a_log(), switched("shuffled")
    assert held(after) == held(before)
    assert np.array_equal(after.at_ms, before.at_ms)


def test_a_copy_goes_on_as_the_state_itself_does_and_leaves_it_alone() -> None:
    log, preset = a_log(), PRESETS["fast"]
    state, _ = play(new_state(log, preset), log, 0, 2 * CHUNK, None)
    learned = encode(state.weights)
    _, one = play(copied(state, preset), log, 2 * CHUNK, N_PLAYS, None)
    assert encode(state.weights) == learned
    _, other = play(state, log, 2 * CHUNK, N_PLAYS, None)
    assert np.array_equal(one.place, other.place) and (one.place > MISS).any()
    assert encode(state.weights) != learned


def test_an_old_ranker_has_small_steps_and_a_young_one_is_never_made_younger() -> None:
    weights = new_weights()
    weights.lessons[0] = 1_000
    square = weights.gate.square.copy()
    age(weights, 500)
    assert np.array_equal(weights.gate.square, square)
    age(weights, 100_000)
    assert np.allclose(weights.gate.square, 100 * square) and weights.lessons[0] == 100_000


def test_recovery_counts_plays_and_looks_at_tested_ones() -> None:
    n = 5_000
    place: I32 = np.repeat(np.array([MISS, 1], np.int32), n)
    assert recovery(place, 0.5) == n + LOOK_BACK // 2
    assert recovery(place[:n], 0.5) is None
    gaps: I32 = np.full(4 * n, NOT_TESTED, np.int32)
    gaps[::2] = place
    assert recovery(gaps, 0.5) == 2 * (n + LOOK_BACK // 2) - 1
