"""Estimates of other policies against worlds in which their worth is known."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.random import Generator

from benchmarks.simulator.contenders import Heard, Segue
from benchmarks.simulator.run import Size, World, simulate
from benchmarks.simulator.screen import EXAMINED, Shown
from benchmarks.simulator.sessions import Turn
from benchmarks.simulator.tracks import F64
from evaluation.policy import TARGETS, estimate
from evaluation.policy_log import NO_TRACK, Assembly, PolicyLog, decode_event, decode_list
from infra.settings import Settings
from online_models.rank import LENGTH

SHARE, CANDIDATES, SHOWABLE = 0.2, 25, 15
"""Of the candidates so many can be shown."""
LOGS_N = 40


class Made:
    """A log of lists whose entries' worth is known, and what each target is worth on it."""

    def __init__(self, rng: Generator, n: int = 1_500, users: int = 60) -> None:
        user = np.sort(rng.integers(0, users, n)).astype(np.int32)
        liking = rng.beta(2, 2, users)[user][:, None, None]
        looked_at = 1 / np.arange(1, LENGTH + 1)
        # Candidate 0 of a place is its best track, the others are free; each place has its own.
        worth = liking * rng.beta(1, 4, (n, LENGTH, CANDIDATES + 1)) * looked_at[:, None]
        worth[:, :, 0] = np.minimum(1.0, worth[:, :, 0] * 2)
        explored = rng.random((n, LENGTH)) < SHARE
        drawn = np.where(explored, rng.integers(1, CANDIDATES + 1, (n, LENGTH)), 0)
        kept = drawn > SHOWABLE
        drawn[kept] = 0
        worth[:, :, SHOWABLE + 1 :] = worth[:, :, :1]  # the best stands there all the same
        popular = rng.integers(0, 4, (n, LENGTH))
        hit = rng.random((n, LENGTH)) < _at(worth, drawn)
        self.log = PolicyLog(
            user=user,
            track=drawn.astype(np.int32),
            propensity=np.where(explored & ~kept, SHARE / CANDIDATES, 1 - SHARE),
            explored=explored & ~kept,
            kept=kept,
            share=np.full(n, SHARE),
            hit=hit,
            popular=popular.astype(np.int32),
        )
        best, free = worth[:, :, 0], worth[:, :, 1:].mean(axis=2)
        self.truth = {
            "shown": _per_list((1 - SHARE) * best + SHARE * free),
            "greedy": _per_list(best),
            "uniform": _per_list(free),
            "popular": _per_list(_at(worth, popular)),
        }


def _at(worth: F64, which: np.ndarray) -> F64:
    return np.asarray(np.take_along_axis(worth, which[:, :, None], axis=2)[:, :, 0])


def _per_list(worth: F64) -> float:
    return float(worth.sum(axis=1).mean())


@pytest.fixture(scope="module")
def estimates() -> list[tuple[dict[str, float], dict[str, dict[str, Any]]]]:
    """Of many logs: what is true, and what is estimated."""
    made = [Made(np.random.default_rng([11, k])) for k in range(LOGS_N)]
    return [(m.truth, {name: estimate(m.log, target, seed=1) for name, target in TARGETS.items()}) for m in made]


@pytest.mark.parametrize("how", ["ips", "snips"])
@pytest.mark.parametrize("target", list(TARGETS))
def test_intervals_cover_what_is_true(estimates: list[tuple[dict[str, float], dict[str, dict[str, Any]]]], target: str, how: str) -> None:
    covered = [found[target][how][0] <= truth[target] <= found[target][how][2] for truth, found in estimates]
    assert np.mean(covered) >= 0.85, "of 95 % intervals"
    error = np.mean([found[target][how][1] - truth[target] for truth, found in estimates])
    width = np.mean([found[target][how][2] - found[target][how][0] for _, found in estimates])
    assert abs(error) < 0.2 * width, "no bias to speak of"
    assert found_support(estimates, target) == pytest.approx(1.0, abs=0.05)


def found_support(estimates: list[tuple[dict[str, float], dict[str, dict[str, Any]]]], target: str) -> float:
    return float(np.mean([found[target]["support"] for _, found in estimates]))


def test_places_add_up_to_the_list_and_the_first_are_worth_more() -> None:
    made = Made(np.random.default_rng(3))
    found = estimate(made.log, TARGETS["greedy"], seed=1)
    by_place = [place["ips"] for place in found["by_place"]]
    assert sum(by_place) == pytest.approx(found["ips"][1], abs=1e-4)
    assert by_place[0] > 3 * by_place[10]


def test_a_target_that_the_log_cannot_show_says_so() -> None:
    made = Made(np.random.default_rng(3))
    elsewhere = made.log._replace(popular=np.full_like(made.log.track, CANDIDATES + 7))
    found = estimate(elsewhere, TARGETS["popular"], seed=1)
    assert found["ips"] == [0.0, 0.0, 0.0] and found["snips"] is None and found["support"] == 0.0


def test_short_lists_count_with_the_places_they_have() -> None:
    made = Made(np.random.default_rng(3))
    there = np.arange(LENGTH) < 12
    log = made.log._replace(track=np.where(there, made.log.track, NO_TRACK).astype(np.int32), hit=made.log.hit & there)
    short, long = estimate(log, TARGETS["shown"], seed=1), estimate(made.log, TARGETS["shown"], seed=1)
    assert short["support"] == long["support"] == 1.0
    assert short["ips"][1] == pytest.approx(short["snips"][1])
    assert short["ips"][1] < long["ips"][1]


# --- The log is put together --------------------------------------------------------------------------


def a_list(name: str, user: str, event: str, discover: Sequence[str], places: Sequence[int] = (0,), kept: Sequence[int] = ()) -> bytes:
    entries = [{"track_id": t, "propensity": 0.01 if k in places else 0.9} for k, t in enumerate(discover)]
    explore = {"share": 0.1, "places": list(places), "kept": list(kept), "candidates": 10}
    told = {"recommendation_id": name, "user_id": user, "cause": {"event_id": event}, "next": [], "discover": entries, "explore": explore}
    return msgspec.json.encode(told)


def an_event(event: str, user: str, track: str, named: str | None = None, **more: Any) -> bytes:
    return msgspec.json.encode({"event_id": event, "user_id": user, "track_id": track, "recommendation_id": named, **more})


LISTS = [a_list("L1", "ana", "e1", ["x", "y"]), a_list("L2", "ana", "e2", ["y", "z"], (), (1,)), a_list("L3", "bob", "e3", ["x"])]
EVENTS = [
    an_event("e1", "ana", "a"),
    an_event("e2", "ana", "y", "L1"),
    an_event("e3", "bob", "a"),
    an_event("e4", "bob", "x", "L1"),
    an_event("e5", "ana", "z", "L1"),
    an_event("e6", "ana", "y", "L1", private=True),
    an_event("e2", "ana", "x", "L1"),
]


def assembled(hits: Any, lists: Sequence[bytes] = LISTS, events: Sequence[bytes] = EVENTS) -> PolicyLog:
    return Assembly(map(decode_list, lists), hits).run(map(decode_event, events))[0]


def test_plays_that_name_a_list_count_for_it_where_they_stand_in_it() -> None:
    log = assembled("named")
    assert log.hit[:, :2].tolist() == [[False, True], [False, False], [False, False]]
    assert log.explored[:, :2].tolist() == [[True, False], [False, False], [True, False]]
    assert log.kept[:, :2].tolist() == [[False, False], [False, True], [False, False]]
    assert log.propensity[:, :2].tolist() == [[0.01, 0.9], [0.9, 0.9], [0.01, 1.0]]
    assert log.user.tolist() == [0, 0, 1] and (log.track[2, 1:] == NO_TRACK).all()


def test_the_next_play_counts_for_the_list_that_was_live() -> None:
    log = assembled("next")
    assert log.hit[:, :2].tolist() == [[False, True], [False, True], [True, False]]


def test_a_list_that_nobody_answered_yet_says_nothing_of_the_next_play() -> None:
    log = assembled("next", events=EVENTS[:2])
    assert log.n == 1 and log.hit[0, 1]


def test_a_list_that_is_not_in_the_log_ends_the_one_before() -> None:
    log = assembled("next", lists=[LISTS[0]], events=[EVENTS[0], an_event("e9", "ana", "b"), an_event("e10", "ana", "y")])
    assert log.n == 1 and not log.hit.any()


def test_lists_that_came_again_and_those_that_did_not_explore_are_passed_over() -> None:
    silent = msgspec.json.decode(LISTS[2])
    del silent["explore"]
    log, counts = Assembly(map(decode_list, [*LISTS[:2], LISTS[0], msgspec.json.encode(silent)]), "named").run(map(decode_event, EVENTS))
    assert (log.n, counts.lists, counts.exploring, counts.plays) == (2, 3, 2, 5)


def test_what_was_popular_when_the_list_was_made_is_in_order_and_new_to_the_user() -> None:
    events = [an_event(f"p{k}", f"u{k}", "abcbcc"[k]) for k in range(6)] + [an_event("e1", "ana", "b"), an_event("q", "v", "a")]
    log = assembled("named", events=events)
    code = {track: k for k, track in enumerate("abc")}
    assert log.popular[0, :3].tolist() == [code["c"], code["a"], NO_TRACK]


# --- The real pipeline in the simulated world ---------------------------------------------------------

SIMULATED = Size(users=40, days=16, tracks=300, styles=4)


class Beside:
    """The worker that explores, and one that does not, told the same: its lists are what would have stood there."""

    def __init__(self) -> None:
        self.published: list[bytes] = []
        fast = Settings(explore_share=SHARE, fatigue=0.0)  # what was shown by exploring is passed over, too
        self._exploring = Segue(fast, 5, self.published)
        self._best = Segue(msgspec.structs.replace(fast, explore_share=0.0), 5)
        self.best: dict[str, Shown] = {}

    async def open(self) -> None:
        await self._exploring.open()
        await self._best.open()

    async def close(self) -> None:
        await self._exploring.close()
        await self._best.close()

    async def hear(self, plays: Sequence[Heard]) -> list[Shown]:
        shown, best = await self._exploring.hear(plays), await self._best.hear(plays)
        self.best |= {s.recommendation_id: b for s, b in zip(shown, best, strict=True)}
        return shown


def test_on_the_real_pipeline_the_intervals_cover_the_true_worth() -> None:
    makes, world = Beside(), World(SIMULATED, 5)
    told: dict[str, dict[str, Any]] = {}
    true: dict[str, list[float]] = {"shown": [], "greedy": [], "uniform": []}
    n_kept: list[int] = []

    def watch(turn: Turn, wanted: F64, shown: Shown) -> None:
        for value in makes.published[len(told) :]:
            made = msgspec.json.decode(value)
            told[made["recommendation_id"]] = made
        made = told.get(shown.recommendation_id, {})
        if "explore" not in made:
            return
        best, places = makes.best[shown.recommendation_id].lists, made["explore"]["places"]
        kept = made["explore"].get("kept", [])
        assert best[0].tolist() == shown.lists[0].tolist(), "exploring changes nothing else"
        assert [k for k, (mine, theirs) in enumerate(zip(best[1], shown.lists[1], strict=True)) if mine != theirs] == places
        worth, worth_best = _worth(shown.lists, wanted), _worth(best, wanted)
        true["shown"].append(worth.sum())
        true["greedy"].append(worth_best.sum())
        true["uniform"].append(worth[places + kept].sum() / SHARE)
        n_kept.append(len(kept))

    asyncio.run(simulate(world, makes, lambda done: None, watch))
    log, counts = Assembly(map(decode_list, makes.published), "named").run(map(decode_event, world.events))
    assert counts.lists == len(world.turns) and log.n > 0.5 * counts.lists
    for name, worths in true.items():
        found, truth = estimate(log, TARGETS[name], seed=1), sum(worths) / log.n
        for how in ("ips", "snips"):
            low, mean, high = found[how]
            assert low <= truth <= high, f"{name}, {how}: {truth} is not within {low} to {high}"
            assert high - low < 2 * mean
    assert sum(n_kept) > 0, "some draws could not be shown"
    assert sum(true["uniform"]) < 0.7 * sum(true["greedy"]), "the ranker knows what is wanted"


def _worth(lists: tuple[np.ndarray, np.ndarray], wanted: F64) -> F64:
    """(LENGTH,) chance that the next play names the list and stands at this place of `discover`: taken from it, or from `next`."""
    place = {int(track): k for k, track in enumerate(lists[0])}
    looked_at = [EXAMINED[1, k] + (EXAMINED[0, place[int(track)]] if int(track) in place else 0.0) for k, track in enumerate(lists[1])]
    return np.asarray(np.array(looked_at) * wanted[lists[1]])
