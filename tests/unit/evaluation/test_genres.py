"""Measuring who tells genres how well."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from evaluation.bootstrap import ahead
from evaluation.genres.ablation import ablate, select, sights
from evaluation.genres.chances import calibration_error, hits, log_loss
from evaluation.genres.contest import Track, evaluate, frontier, orders, play
from evaluation.genres.rivals import RIVALS, Rival
from online_models.cleaning.verdicts import Value
from online_models.genres.inputs import EVERYTHING, Sight
from tests.tracks_of_known_genre import GENRES, tracks


@contextmanager
def _silent(what: str, total: int) -> Iterator[Callable[[int], None]]:
    yield lambda done: None


def _tracks(n: int) -> list[Track]:
    return [Track(values, genre) for values, genre in tracks(n, seed=3)]


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    return evaluate(_tracks(300), [1, 2], ["majority", "softmax"], _silent)


def test_the_report_has_what_others_build_on(report: dict[str, Any]) -> None:
    assert {"accuracy_audio", "accuracy_all", "ms_per_lesson", "rivals", "members", "frontier"} <= report.keys()
    assert report["accuracy_all"] > 0.85 > 0.6 > report["accuracy_audio"] > 0.3
    assert report["tracks"] == 300 and report["tested"] == 150 and report["seeds"] == [1, 2]
    assert list(report["rivals"]) == ["majority", "softmax"] and "evidence" not in report["members"]["audio"]
    low, mean, high = report["rivals"]["majority"]["all"]["ensemble_ahead"]
    assert 0.4 < low < mean < high < 0.9
    assert len(report["ensemble"]["all"]["accuracy"]["by_seed"]) == 2


def test_costs_add_up(report: dict[str, Any]) -> None:
    """Of a member alone: its own and what all share, so less than the ensemble, and more than nothing."""
    whole = report["ensemble"]["all"]["ms"]["mean"]
    assert all(0.0 < member["ms"]["mean"] < whole for member in report["members"]["all"].values())


class _Spy:
    """Says what it was last told, and notes what came in which order."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    def predict_proba_one(self, values: Mapping[str, Value]) -> dict[str, float]:
        self.seen.append(("asked", str(values["track_id"])))
        told = [what for what in self.seen if what[0] != "asked"]
        return {told[-1][0]: 1.0} if told else {}

    def learn_one(self, values: Mapping[str, Value], genre: str) -> None:
        self.seen.append((genre, str(values["track_id"])))


def test_every_track_is_asked_for_before_it_is_told() -> None:
    found, spy = _tracks(40), _Spy()
    (order,) = orders(found, [5])
    chances, _ = play(spy, found, GENRES, order, lambda done: None)
    for asked, told, track in zip(spy.seen[::2], spy.seen[1::2], order.tracks, strict=True):
        values, genre = found[track]
        assert asked == ("asked", values["track_id"]) and told == (genre, values["track_id"])
    assert chances[0, 0].tolist() == [0.25] * 4, "nothing to say yet: all alike"
    assert chances[0, 1:].argmax(axis=1).tolist() == order.truth[:-1].tolist()


def test_orders_are_those_of_their_seeds() -> None:
    found = _tracks(50)
    one, other, again = orders(found, [1, 2, 1])
    assert one.tracks.tolist() == again.tracks.tolist() != other.tracks.tolist()
    assert sorted(one.tracks) == list(range(50)) and one.reported == slice(25, 50)
    assert [GENRES[n] for n in one.truth] == [found[track].genre for track in one.tracks]


@pytest.mark.parametrize("rival", RIVALS)
def test_a_rival_answers_with_probabilities(rival: str) -> None:
    found, contender = _tracks(60), Rival(rival, EVERYTHING)
    for track in found:
        contender.learn_one(track.values, track.genre)
    said = contender.predict_proba_one(found[0].values)
    assert said.keys() <= set(GENRES) and sum(said.values()) == pytest.approx(1.0)


def test_measures_of_what_is_known() -> None:
    chances = np.array([[0.8, 0.2], [0.6, 0.4], [0.0, 1.0], [1.0, 0.0]], np.float32)
    truth = np.array([0, 1, 1, 1])
    assert hits(chances, truth).tolist() == [1.0, 0.0, 1.0, 0.0]
    assert log_loss(chances, truth) == pytest.approx(-np.log([0.8, 0.4, 1.0, 1e-6]).mean(), rel=1e-5)
    assert calibration_error(chances, truth) == pytest.approx((0.2 + 0.6 + 1.0) / 4, abs=1e-6)


def test_who_is_sure_as_often_as_right_is_calibrated() -> None:
    rng = np.random.default_rng(2)
    p = rng.random(20_000) / 2 + 0.5
    truth = (rng.random(20_000) > p).astype(np.int64)
    assert calibration_error(np.stack((p, 1 - p), axis=1).astype(np.float32), truth) < 0.015


def test_an_interval_takes_cases_of_one_track_together() -> None:
    rng = np.random.default_rng(3)
    once = rng.choice([-1.0, 1.0], 300)
    low, mean, high = ahead(once, np.zeros(300), np.arange(300), 1)
    assert low < mean < high and mean == pytest.approx(once.mean(), abs=1e-5)
    thrice = ahead(np.tile(once, 3), np.zeros(900), np.tile(np.arange(300), 3), 1)
    assert thrice[2] - thrice[0] == pytest.approx(high - low, rel=0.05), "three tests of a track are no more evidence than one"


def test_the_frontier_is_of_each_sight() -> None:
    def cost(ms: float, accuracy: float) -> dict[str, Any]:
        return {"ms": {"mean": ms}, "accuracy": {"mean": accuracy}}

    rows = frontier({"audio": {"a": cost(2.0, 0.5), "b": cost(1.0, 0.4), "c": cost(3.0, 0.45)}, "all": {"a": cost(4.0, 0.1)}})
    assert [(row["sight"], row["name"], row["on_frontier"]) for row in rows] == [
        ("audio", "b", True), ("audio", "a", True), ("audio", "c", False), ("all", "a", True),
    ]  # fmt: skip


def test_leaving_out_artists_costs_most_where_artists_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    few = {name: sights()[name] for name in ("(nothing)", "harmony", "all names")}
    monkeypatch.setattr("evaluation.genres.ablation.sights", lambda: few)
    rows = {row["without"]: row for row in ablate(_tracks(240), 1, _silent)}
    assert rows["(nothing)"]["lost"] == 0.0 and rows["all names"]["lost"] > 0.3 > abs(rows["harmony"]["lost"])


def test_each_group_is_left_out_once() -> None:
    found = sights()
    assert found.pop("(nothing)") == EVERYTHING
    assert all(len(sight.groups) + len(sight.kinds) < len(EVERYTHING.groups) + len(EVERYTHING.kinds) for sight in found.values())
    assert Sight(EVERYTHING.groups, ()) in found.values()


def test_what_tells_and_what_says_the_same_is_found() -> None:
    found = select(_tracks(600), 1)
    bits = {row["name"]: row["bits"] for row in found["features"]}
    assert bits["names: artist"] > 1.4 and 0.6 < bits["energy"] < 1.05, "two bits tell four genres; sound tells one of them"
    assert max(bits["key_sine"], bits["groove"], bits["mode"]) < 0.1
    assert ["energy", "loudness"] in [sorted(set(group) & {"energy", "loudness"}) for group in found["alike"]]
