"""Micro-genres as a worker runs them: who is where, what came and went, and what is served of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pytest

from online_models.clusters import micro_genres, sample
from online_models.clusters.following import Event
from online_models.clusters.model import MicroGenreModel
from online_models.clusters.newest import NEWEST_MAX
from online_models.clusters.served import Cluster, Placed, Served, cluster_of
from online_models.model import BadLesson, BadSnapshot, News
from tests.tracks_of_known_genre import tracks

FIRST_N = 200


@pytest.fixture(autouse=True)
def clusters_come_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(micro_genres, "FIRST_N", FIRST_N)
    monkeypatch.setattr(MicroGenreModel, "first_at", FIRST_N)


def taught(rows: Sequence[tuple[dict[str, Any], str]], model: MicroGenreModel | None = None) -> tuple[MicroGenreModel, News]:
    """The model, and all its news as one."""
    model, news = model or MicroGenreModel(), News([], {})
    for row in rows:
        model.learn_one(*row)
        happened, about = model.take_news()
        news.happened.extend(happened)
        news.about.update(about)
    return model, news


def served(model: MicroGenreModel) -> Served:
    return msgspec.json.decode(model.serving(7), type=Served)


def where(news: News, track_id: str) -> int:
    return msgspec.json.decode(news.about[track_id], type=Placed).cluster


ROWS: list[tuple[dict[str, Any], str]] = list(tracks(600, seed=5))


def test_before_there_are_clusters_nothing_is_said_and_it_is_served_how_many_tracks_that_takes() -> None:
    model, news = taught(ROWS[: FIRST_N - 1])
    assert news == News([], {}) and model.predict_one(ROWS[0][0]) == {}
    shown = served(model)
    assert (shown.lessons, shown.first_at, shown.clusters, shown.version) == (FIRST_N - 1, FIRST_N, [], 7)


def test_when_clusters_are_born_every_track_that_came_before_is_told_of() -> None:
    model, news = taught(ROWS[:FIRST_N])
    assert {it.what for it in news.happened} == {"born"}
    assert {it.detail["cluster"] for it in news.happened} == {cluster.id for cluster in served(model).clusters}
    assert news.about.keys() == {row["track_id"] for row, _ in ROWS[:FIRST_N]}
    found = [where(news, row["track_id"]) for row, _ in ROWS[:FIRST_N]]
    for cluster in served(model).clusters:
        genres = [genre for (_, genre), at in zip(ROWS, found, strict=False) if at == cluster.id]
        assert (cluster.size, cluster.share) == (len(genres), round(len(genres) / FIRST_N, 6))
        assert cluster.genre == max(sorted(set(genres)), key=genres.count)
        assert cluster.genres[cluster.genre] == round(genres.count(cluster.genre) / len(genres), 4)
        assert cluster.name


def test_a_track_is_told_of_when_it_comes_and_again_when_a_review_finds_it_elsewhere() -> None:
    model, _ = taught(ROWS[:FIRST_N])
    review_at = model._model.review_at
    for row, genre in ROWS[FIRST_N : review_at - 1]:
        said = model.predict_one(row)
        model.learn_one(row, genre)
        news = model.take_news()
        assert news.about.keys() == {row["track_id"]} and said == {str(where(news, row["track_id"])): 1.0}
    before = dict(zip(model._places.sample.ids, model._places.said[: len(model._places.sample.ids)].tolist(), strict=True))
    model.learn_one(*ROWS[review_at - 1])
    news = model.take_news()
    moved = {track_id for track_id in news.about if before.get(track_id, where(news, track_id)) != where(news, track_id)}
    assert moved and news.about.keys() == moved | {ROWS[review_at - 1][0]["track_id"]}
    assert model.scores()["kept_share"] == 1.0 - len(moved) / review_at
    placed = model._model.place(model._model.sample_points())
    assert (model._places.said[: len(placed)] == placed).all()


def test_a_row_without_a_genre_teaches() -> None:
    model, news = taught([(row, "") for row, _ in ROWS[:FIRST_N]])
    assert model.n_lessons == FIRST_N and news.about
    assert {cluster.genre for cluster in served(model).clusters} == {""}
    assert all(cluster.name for cluster in served(model).clusters)


def test_of_a_track_that_is_told_of_again_only_the_newer_lesson_speaks() -> None:
    first, last = ROWS[0][0], {**ROWS[1][0], "track_id": "t0"}
    model, _ = taught([*ROWS[: FIRST_N - 2], (last, ROWS[1][1])])
    assert first["track_id"] == "t0" and model._places.sample.ids.count("t0") == 1 and model._places.sample.ids[0] == ""
    _, news = taught(ROWS[FIRST_N : FIRST_N + 1], model)
    assert {str(where(news, "t0")): 1.0} == model.predict_one(last)
    assert MicroGenreModel.restore(model.snapshot())._places.sample.at == model._places.sample.at


def test_a_place_of_the_sample_that_is_taken_over_speaks_for_the_new_track(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (sample, micro_genres):
        monkeypatch.setattr(module, "place", lambda n: (n - 1) % 150)
    model, _ = taught(ROWS[:149] + ROWS[150:500])
    assert len(model._places.sample.ids) == len(model._places.sample.at) == 150
    assert all(model._places.sample.ids[at] == track_id for track_id, at in model._places.sample.at.items())


def test_a_cluster_that_is_merged_leads_to_the_one_it_went_into() -> None:
    model, _ = taught(ROWS[:FIRST_N])
    known = {cluster.id: cluster for cluster in served(model).clusters}
    keeps, goes = sorted(known)[:2]
    # As a review leaves it: of two centres on one spot, one is too many.
    model._model.centres[model._model.ids.index(goes)] = model._model.centres[model._model.ids.index(keeps)]
    n = len(model._places.sample.ids)
    model._model.events.append(Event("merged", goes, keeps, n))
    at = model._model.ids.index(goes)
    model._model.ids.pop(at)
    model._model.names.pop(at)
    model._model.centres = np.delete(model._model.centres, at, axis=0)
    model._reviewed()
    (told,) = model.take_news().happened
    expected = {"cluster": goes, "into": keeps, "name": known[goes].name, "size": known[goes].size, "genre": known[goes].genre, "tracks": n}
    assert (told.what, told.about, told.detail) == ("merged", str(goes), expected)
    found = cluster_of(goes, served(model))
    assert found is not None and found.id == keeps
    again = MicroGenreModel.restore(model.snapshot())
    assert again.serving(1) == model.serving(1)


def test_the_way_of_clusters_that_are_gone_ends() -> None:
    one = Cluster(9, "", 1, 1.0, "", {}, [], [])
    assert cluster_of(1, Served("", 1, 1, 1, [one], [(1, 2), (2, 1)])) is None
    assert cluster_of(1, Served("", 1, 1, 1, [one], [(1, 2), (2, 9)])) == one


@pytest.mark.parametrize(
    ("values", "genre"), [({"released": "²²²²"}, ""), ({"released": "x"}, ""), ({}, "g" * 64), ({"title": "t" * 60_000}, "")]
)
def test_odd_rows_teach(values: dict[str, Any], genre: str) -> None:
    model, _ = taught([*ROWS[:20], ({**ROWS[20][0], **values}, genre)])
    assert model.n_lessons == 21 and len(model.snapshot()["clusters-texts"]) < 21 * 4_000


@pytest.mark.parametrize("genre", ["g" * 65, None, 7])
def test_what_is_no_genre_is_refused(genre: Any) -> None:
    model, _ = taught(ROWS[:5])
    with pytest.raises(BadLesson, match="label"):
        model.learn_one(ROWS[5][0], genre)
    assert model.n_lessons == 5


def test_parts_of_two_versions_are_refused() -> None:
    early, late = taught(ROWS[:210])[0].snapshot(), taught(ROWS[:300])[0].snapshot()
    for name in ("meta", "ids", "said"):
        with pytest.raises(BadSnapshot):
            MicroGenreModel.restore({**late, name: early[name]})
    meta = msgspec.json.decode(late["meta"])
    with pytest.raises(BadSnapshot, match="format 99"):
        MicroGenreModel.restore({**late, "meta": msgspec.json.encode({**meta, "format": 99})})


def test_the_newest_of_each_cluster_are_served_oldest_first_and_survive_a_snapshot() -> None:
    model, news = taught(ROWS)
    newest = served(model).newest
    arrived = [row["track_id"] for row, _ in ROWS]
    held = [new for tracks in newest.values() for new in tracks]
    assert {len(tracks) for tracks in newest.values()} == {NEWEST_MAX} and len(newest) > 3
    assert all(arrived[new.n - 1] == new.track_id for new in held)
    assert all([new.n for new in tracks] == sorted(new.n for new in tracks) for tracks in newest.values())
    assert {new.artist for new in held} <= {row.get("artist") or "" for row, _ in ROWS} and any(new.artist for new in held)
    gone = dict(served(model).merged)
    assert not gone.keys() & newest.keys(), "where a cluster went its new tracks went"
    last = ROWS[-1][0]["track_id"]
    assert newest[where(news, last)][-1].track_id == last
    again = MicroGenreModel.restore(model.snapshot())
    assert served(again).newest == newest and again.snapshot() == model.snapshot()
    assert taught(ROWS[:5], again)[0].snapshot() == taught(ROWS[:5], model)[0].snapshot()


def test_a_track_that_comes_again_is_held_once_and_is_the_newest() -> None:
    model, _ = taught(ROWS)
    again = next(iter(served(model).newest.values()))[0].track_id
    taught([row for row in ROWS if row[0]["track_id"] == again], model)
    found = [new for tracks in served(model).newest.values() for new in tracks if new.track_id == again]
    assert [new.n for new in found] == [len(ROWS) + 1]


def test_a_snapshot_of_before_new_tracks_were_kept_is_gone_on_from() -> None:
    model, _ = taught(ROWS[:FIRST_N])
    parts = model.snapshot()
    meta = msgspec.json.decode(parts["meta"])
    del meta["newest"]
    assert served(MicroGenreModel.restore(parts | {"meta": msgspec.json.encode(meta)})).newest == {}
