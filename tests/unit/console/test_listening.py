"""Segments and expected plays of a user: the served models, asked about the user's row."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest

from console.listening import NEITHER, SEGMENTS, UNKNOWN, Segments, expected_plays, in_words, segments
from console.redis_door import State
from console.trouble import Trouble
from infra.keys import Keys
from online_models.counts.fold import CountFold
from online_models.counts.model import CountsModel
from online_models.past import Past
from online_models.segments.features import of_listener
from online_models.segments.fold import SegmentFold
from online_models.segments.habits import Play
from online_models.segments.kinds import FEATURES, FIRST_N
from online_models.segments.listeners import SegmentsModel
from online_models.segments.of_row import habits_of
from streams.ids import id_hash
from tests.listening_of_known_habits import listening
from tests.small_world import SMALL, SmallWorld, play

DAY_MS = 86_400_000
NOT_IN_A_ROW = {"seconds_heard_log", "seconds_spread", "popularity_log", "popularity_lately_log", "finish_share"}


class Rows:
    """The third door, as far as a user's models need it."""

    def __init__(self, world: SmallWorld, served: dict[str, bytes]) -> None:
        self.settings, self.keys, self._served = SMALL, Keys(SMALL.namespace), served
        self._names = {id_hash(f"t{n}", SMALL.id_key.encode()): f"t{n}" for n in range(40)}

    def text(self, key: str) -> bytes | None:
        return {self.keys.serving(name): raw for name, raw in self._served.items()}.get(key)

    def track_ids(self, hashes: list[int]) -> dict[int, str]:
        return {track: self._names[track] for track in hashes}

    def document(self, key: str, field: str) -> Any:
        return {"plays": 3}


async def a_user() -> tuple[SmallWorld, bytes, int]:
    """Somebody who hears t0 again and again, and t1 to t9 once; when that ended."""
    world = SmallWorld()
    await world.claim_all()
    events = [play(n, track="t0" if n % 2 else f"t{n // 2 + 1}") for n in range(18)]
    await world.play(*events)
    return world, world.user("ana")["row"], int(str(events[-1]["played_at"]))


def served() -> dict[str, bytes]:
    models: dict[str, CountsModel | SegmentsModel] = {"counts": CountsModel(), "segments": SegmentsModel()}
    for lesson in listening(900, 6):
        for model in models.values():
            model.learn_one(*lesson)
    return {name: model.serving(1) for name, model in models.items()}


@pytest.fixture(scope="module")
def models() -> dict[str, bytes]:
    return served()


async def test_a_user_is_told_with_the_rule_that_put_them_there(models: dict[str, bytes]) -> None:
    world, row, at_ms = await a_user()
    state = cast(State, Rows(world, models))
    plain, explained = (segments(state, row, at_ms, explain=explain) for explain in (False, True))
    assert list(plain) == list(SEGMENTS)
    for target, said in explained.items():
        assert 0.0 < said["probability"] < 1.0 and said["meaning"] == SEGMENTS[target]
        assert plain[target] == {"probability": said["probability"], "by": said["by"]}
    assert in_words("segments", explained).count("\n") == 1


async def test_a_user_is_of_a_kind_as_soon_as_there_are_kinds() -> None:
    world, row, at_ms = await a_user()
    model, rng = SegmentsModel(), np.random.default_rng(2)
    for _ in range(FIRST_N):
        model.minds.kinds.learn_one(dict(zip(FEATURES, rng.normal(rng.choice([-3.0, 3.0]), 1.0, len(FEATURES)).tolist(), strict=True)))
    found = segments(cast(State, Rows(world, {"segments": model.serving(1)})), row, at_ms, explain=False)
    assert found["kind"]["id"] in (0, 1) and 0.4 < found["kind"]["share"] < 0.6 and found["kind"]["name"]
    assert in_words("segments", found).endswith(f"of listeners): {found['kind']['name']}")
    asked = Segments(cast(State, Rows(world, {"segments": model.serving(1)})))
    assert asked.kind(row, at_ms) == found["kind"]["name"] and asked.kind(b"", at_ms) == UNKNOWN


async def test_somebody_is_named_by_the_segments_they_are_likelier_in_than_not(models: dict[str, bytes]) -> None:
    world, row, at_ms = await a_user()
    state = cast(State, Rows(world, models))
    asked, told = Segments(state), segments(state, row, at_ms, explain=False)
    assert asked.name(row, at_ms) == (" and ".join(it for it in SEGMENTS if told[it]["probability"] > 0.5) or NEITHER)
    assert asked.name(b"", at_ms) == UNKNOWN == Segments(cast(State, Rows(world, {}))).name(row, at_ms)


async def test_what_is_heard_again_and_again_is_expected_most(models: dict[str, bytes]) -> None:
    world, row, at_ms = await a_user()
    found = expected_plays(cast(State, Rows(world, models)), row, at_ms)
    assert [it["track_id"] for it in found][0] == "t0" and len(found) == 5
    assert all(it["in_30_days"] >= 0.0 and it["in_7_days"] >= 0.0 for it in found)
    assert in_words("expected_plays", found).startswith("t0 ")


async def test_before_anything_is_served_nothing_is_told_and_another_builds_is_refused(models: dict[str, bytes]) -> None:
    world, row, at_ms = await a_user()
    nothing, broken = (cast(State, Rows(world, found)) for found in ({}, {"counts": b"{}", "segments": b"{}"}))
    assert (segments(nothing, row, at_ms, explain=True), expected_plays(nothing, row, at_ms)) == ({}, [])
    for ask in (lambda: segments(broken, row, at_ms, explain=True), lambda: expected_plays(broken, row, at_ms)):
        with pytest.raises(Trouble):
            ask()
    assert segments(cast(State, Rows(world, models)), b"", at_ms, explain=True) == {}


def test_of_somebody_whose_plays_the_row_holds_all_the_habits_are_those_of_the_fold() -> None:
    rng, fold, counted = np.random.default_rng(3), SegmentFold(), CountFold()
    tracks, at_ms, known = rng.integers(1, 30, 90), np.cumsum(rng.choice([4, 60, 900], 90, p=[0.8, 0.1, 0.1])) * 60_000 + DAY_MS, set[int]()
    for track, at in zip(tracks.tolist(), at_ms.tolist(), strict=True):
        fold.play_one(Play(1, track, at, is_new=track not in known), ask_play=False, ask_listener=False)
        counted.play_one(1, track, at, ask=False)
        known.add(track)
    past = Past(tracks, at_ms, np.zeros(90, np.uint8), 90, 0, len(known), int(at_ms[0]), 1)
    whole, kept = fold.habits(1), habits_of(past, {})
    assert whole is not None and kept is not None
    by_fold, by_row = (of_listener(habits, int(at_ms[-1]) + DAY_MS) for habits in (whole, kept))
    differ = {name for name in by_fold if by_fold[name] != by_row[name]}
    assert differ <= NOT_IN_A_ROW, differ
