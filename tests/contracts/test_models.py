"""Every model in the registry keeps every promise of `online_models/checks.py`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from online_models.checks import CHECKS, Kind, Lesson, Lessons
from online_models.registry import MODELS, RETIRED, Entry, by_partition, entry
from tests.lessons_of_known_truth import lessons
from tests.listening_of_known_habits import listening
from tests.tracks_of_known_genre import tracks


@cache
def some_lessons(name: str) -> tuple[Lesson, ...]:
    if name == "finish":
        return tuple(lesson._replace(w=1.0 + n % 3) for n, lesson in enumerate(lessons(1_500, seed=4, bent=True)))
    if name in ("counts", "segments"):
        return tuple(listening(900, seed=4))
    return tuple(Lesson(values, genre) for values, genre in tracks(160, seed=4))


@pytest.fixture(autouse=True)
def clusters_come_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clusters wait for thousands of tracks; promises of a model that has none would say little."""
    monkeypatch.setattr("online_models.clusters.micro_genres.FIRST_N", 120)
    monkeypatch.setattr("online_models.texts.text_clusters.FIRST_N", 120)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_model_keeps_the_promise(check: Callable[[Kind, Lessons], None], model: Entry) -> None:
    check(model.kind, some_lessons(model.name))


def test_no_name_and_no_partition_is_given_out_twice() -> None:
    taken = [(model.name, model.partition) for model in MODELS] + list(RETIRED)
    assert len({name for name, _ in taken}) == len({partition for _, partition in taken}) == len(taken)


def test_partitions_are_kept_for_ever() -> None:
    known = {"finish": 0, "genre": 1, "micro_genres": 2, "counts": 3, "segments": 4, "text_clusters": 5, "map": 6}
    assert {model.name: model.partition for model in MODELS} == known


def test_an_unknown_name_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(KeyError, match="finish"):
        entry("genre-of-yesterday")


def test_a_partition_without_a_model_teaches_nobody() -> None:
    assert by_partition(999) is None
