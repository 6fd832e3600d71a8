"""Clusters of words: which words a row has, what they come to mean, and what becomes of tracks."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from evaluation.agreement import mutual_information, table
from online_models.clusters.served import Placed, Served
from online_models.model import BadLesson, BadSnapshot
from online_models.texts import text_clusters
from online_models.texts.languages import language_of
from online_models.texts.meaning import Meaning, hashes_of
from online_models.texts.model import TextClusterModel
from online_models.texts.text import LYRICS_MAX, text_of
from tests.tracks_of_known_genre import tracks


def rows(n: int, seed: int) -> list[tuple[dict[str, Any], str]]:
    """Words of a genre that only meet beside each other: every track has two of its genre's thirty, and one that all genres share."""
    rng = np.random.default_rng(seed)
    return [
        (
            {
                "track_id": values["track_id"],
                "title": f"{genre}{letters(rng)} {genre}{letters(rng)} common{letters(rng)}",
                "tags": [f"{genre} tag"] if i % 4 == 0 else [],
            },
            genre,
        )
        for i, (values, genre) in enumerate(tracks(n, seed))
    ]


def letters(rng: np.random.Generator) -> str:
    return "abcdefghijklmnopqrstuvwxyzäöüß"[int(rng.integers(30))] * 2


@pytest.fixture(autouse=True)
def clusters_come_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_clusters, "FIRST_N", 300)


def taught(some: list[tuple[dict[str, Any], str]]) -> tuple[TextClusterModel, dict[str, int]]:
    """The model, and where it said last that tracks are."""
    model, at = TextClusterModel(), dict[str, int]()
    for row in some:
        model.learn_one(*row)
        news = model.take_news()
        at.update({track: msgspec.json.decode(said, type=Placed).cluster for track, said in news.about.items()})
    return model, at


def test_small_words_are_taken_out_and_stand_for_a_language() -> None:
    text = text_of({"title": "Der Mond und die Sonne", "lyrics": "Ich und der Mond, ich und der Mond, nicht die Sterne"})
    assert (text.language, text.words) == ("de", ("mond", "sonne", "sterne"))
    assert text_of({"title": "Der Mond", "language": "nl"}).language == "nl", "the catalogue knows better"
    assert language_of(["ангел", "меня"]) == "ru" and language_of(["의자"]) == "ko" and language_of(["que", "que", "los"]) == "es"


def test_long_lyrics_say_what_they_say_most_often() -> None:
    lyrics = " ".join(f"{a}{b}{a}{b} " * (3 if a == "x" else 1) for a in "abcx" for b in "defghijklmnopq")
    text = text_of({"lyrics": lyrics})
    assert len(text.words) == LYRICS_MAX and all(f"x{b}x{b}" in text.words for b in "defghijklmnopq")


def test_what_is_no_text_says_nothing() -> None:
    assert list(text_of({"title": 7, "tags": "rock", "lyrics": None, "language": 3}).tokens()) == []


def test_words_that_never_met_lie_together_where_their_company_does() -> None:
    meaning = Meaning()
    for n in range(400):
        side = "ab"[n % 2]
        meaning.learn_one(hashes_of([f"{side}{n % 7}", f"{side}x{n % 5}", f"common{n % 3}"]))
    x, there = meaning.points([hashes_of([word]) for word in ("a1", "ax2", "b1", "never")])
    assert there.tolist() == [True, True, True, False] and not x[3].any()
    assert x[0] @ x[1] > 0.5 > x[0] @ x[2]


def test_clusters_of_words_find_the_genres_that_they_were_not_told() -> None:
    some = rows(900, seed=3)
    model, at = taught(some)
    genres = np.unique([genre for _, genre in some], return_inverse=True)[1]
    found = np.array([at[row["track_id"]] for row, _ in some])
    assert len(at) == 900 and mutual_information(table(found, genres)) > 0.6
    served = msgspec.json.decode(model.serving(3), type=Served)
    assert {cluster.genre for cluster in served.clusters} == {"ballad", "dance", "hop", "rock"}
    assert all(cluster.genre in cluster.name for cluster in served.clusters)
    assert model.scores()["clusters"] == len(served.clusters)


def test_a_genre_teaches_nothing() -> None:
    some = rows(350, seed=3)
    told, silent = taught(some)[0], taught([(row, "") for row, _ in some])[0]
    a, b = told._model.snapshot(), silent._model.snapshot()
    assert {name: a[name] for name in a if name != "texts"} == {name: b[name] for name in b if name != "texts"}


def test_a_track_of_which_no_word_is_known_is_in_no_cluster() -> None:
    model, _ = taught(rows(400, seed=3))
    assert model.predict_one({"title": "Ünerhört"}) == {} and model.predict_one({}) == {}
    model.learn_one({"track_id": "new", "title": "Ünerhört"}, "")
    assert not model.take_news().about
    assert len(model.predict_one({"title": "Ünerhört rockaa"})) == 1


def test_what_is_no_lesson_is_refused() -> None:
    model = TextClusterModel()
    for values, genre, w in (({}, None, 1.0), ({"energy": 7.0}, "", 1.0), ({}, "", 2.0), ({}, "x" * 65, 1.0)):
        with pytest.raises(BadLesson):
            model.learn_one(values, genre, w)  # type: ignore[arg-type]
    assert model.n_lessons == 0 and model.snapshot() == TextClusterModel().snapshot()


def test_parts_of_two_models_are_no_snapshot() -> None:
    one, other = taught(rows(301, seed=3))[0].snapshot(), taught(rows(302, seed=3))[0].snapshot()
    for name in ("meta", "ids", "clusters-meta"):
        with pytest.raises(BadSnapshot):
            TextClusterModel.restore({**one, name: other[name]})
