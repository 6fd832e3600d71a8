"""Every model in the registry keeps every promise of `online_models/checks.py`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from online_models.checks import CHECKS, Kind, Lesson, Lessons
from online_models.registry import MODELS, RETIRED, Entry, by_partition, entry
from tests.lessons_of_known_truth import lessons


@pytest.fixture(scope="module")
def some_lessons() -> list[Lesson]:
    bent = lessons(1_500, seed=4, bent=True)
    return [lesson._replace(w=1.0 + n % 3) for n, lesson in enumerate(bent)]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_model_keeps_the_promise(check: Callable[[Kind, Lessons], None], model: Entry, some_lessons: list[Lesson]) -> None:
    check(model.kind, some_lessons)


def test_no_name_and_no_partition_is_given_out_twice() -> None:
    taken = [(model.name, model.partition) for model in MODELS] + list(RETIRED)
    assert len({name for name, _ in taken}) == len({partition for _, partition in taken}) == len(taken)


def test_finish_keeps_partition_0_for_ever() -> None:
    assert entry("finish").partition == 0


def test_an_unknown_name_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(KeyError, match="finish"):
        entry("genre-of-yesterday")


def test_a_partition_without_a_model_teaches_nobody() -> None:
    assert by_partition(999) is None
