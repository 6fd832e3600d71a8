"""The map as a worker keeps it: where tracks lie, that it stays where it was, and what is served of it."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from online_models.clusters.micro_genres import FRAME_N
from online_models.maps.model import MapModel
from online_models.maps.served import Lies, Served
from online_models.model import BadLesson, BadSnapshot
from tests.tracks_of_known_genre import tracks

ROWS: list[tuple[dict[str, Any], str]] = list(tracks(700, seed=5))


def taught(rows: list[tuple[dict[str, Any], str]], model: MapModel | None = None) -> tuple[MapModel, dict[str, Lies]]:
    """The model, and where it said last that tracks lie."""
    model, lies = model or MapModel(), dict[str, Lies]()
    for row in rows:
        model.learn_one(*row)
        news = model.take_news()
        assert not news.happened
        lies.update({track: msgspec.json.decode(said, type=Lies) for track, said in news.about.items()})
    return model, lies


def served(model: MapModel) -> Served:
    return msgspec.json.decode(model.serving(3), type=Served)


def test_when_there_is_a_map_every_track_that_came_before_lies_on_it() -> None:
    model, lies = taught(ROWS[: FRAME_N - 1])
    assert not lies and model.predict_one(ROWS[0][0]) == {} and served(model).drawn == 0
    model, lies = taught(ROWS[FRAME_N - 1 : FRAME_N], model)
    assert lies.keys() == {row["track_id"] for row, _ in ROWS[:FRAME_N]}
    shown = served(model)
    assert (shown.drawn, shown.lessons, shown.first_at) == (1, FRAME_N, FRAME_N)
    assert 0.0 < shown.stress_3d < shown.stress_2d < 0.5 and shown.diameter > 1.0


def test_a_track_is_told_of_when_it_comes_and_lies_near_its_like() -> None:
    model, lies = taught(ROWS)
    assert len(lies) == len(ROWS) and served(model).drawn == model.version > 5
    at = np.array([lies[row["track_id"]].two for row, _ in ROWS])
    genres = np.array([genre for _, genre in ROWS])
    apart = np.linalg.norm(at[:, None] - at[None, :], axis=2)
    np.fill_diagonal(apart, np.inf)
    assert (genres[apart.argmin(axis=1)] == genres).mean() > 0.9, "labels are part of the space"
    last, genre = ROWS[-1]
    again = MapModel.restore(model.snapshot())
    ((said, p),) = again.predict_one(last).items()
    assert p == 1.0 and len(said.split()) == 2 and genre


def test_a_drawing_is_turned_back_onto_the_one_before() -> None:
    model, before = taught(ROWS[:500])
    drawn = model.version
    rest = ROWS[500:]
    _, after = taught(rest, model)
    assert model.version > drawn
    old = [track for track in before if track in after]
    way = np.mean([np.linalg.norm(np.array(before[it].two) - after[it].two) for it in old])
    assert len(old) == 500 and way / served(model).diameter < 0.05
    assert served(model).moved_share == pytest.approx(model.scores()["moved_share"], abs=1e-6) and served(model).moved_share < 0.05


def test_of_a_track_that_is_told_of_again_only_the_newer_lesson_speaks() -> None:
    model, _ = taught([*ROWS[:300], ({**ROWS[300][0], "track_id": "t0"}, ROWS[300][1])])
    review = model._space.review_at
    _, lies = taught(ROWS[301 : review + 1], model)
    point = model._space.sample_points()[300:301]
    assert lies["t0"].two == pytest.approx(model._maps[2].place(point)[0], abs=1e-3)


def test_what_is_no_lesson_is_refused() -> None:
    model = MapModel()
    with pytest.raises(BadLesson):
        model.learn_one({"energy": 7.0}, "")
    assert model.n_lessons == 0 and model.snapshot() == MapModel().snapshot()


def test_parts_of_two_maps_are_no_snapshot() -> None:
    one, other = taught(ROWS[:126])[0].snapshot(), taught(ROWS[:100])[0].snapshot()
    for name in ("meta", "ids", "two-meta"):
        with pytest.raises(BadSnapshot):
            MapModel.restore({**one, name: other[name]})
    swapped = {name.replace("two-", "x-").replace("three-", "two-").replace("x-", "three-"): part for name, part in one.items()}
    with pytest.raises(BadSnapshot):
        MapModel.restore(swapped)
