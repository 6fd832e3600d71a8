"""Micro-genres, clusters of words and the map are a fold of catalogue rows: clusters, decisions and where tracks are, whatever the cuts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from online_models.registry import entry
from streams.lessons import pack_json_lessons
from streams.model_fold import Fold
from tests.lessons_log import INCARNATION, genre_lessons, text_lessons

ROWS = {"micro_genres": genre_lessons(500, seed=21), "text_clusters": text_lessons(500, seed=21), "map": genre_lessons(200, seed=21)}


@pytest.fixture(scope="module", autouse=True)
def clusters_come_early() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("online_models.clusters.micro_genres.FIRST_N", 130)
        patched.setattr("online_models.texts.text_clusters.FIRST_N", 130)
        yield


def folded(name: str, cuts: list[int], restore_after: set[int]) -> Fold:
    """All rows in records cut at `cuts`, with the model restored from its snapshot after some of them."""
    rows, fold = ROWS[name], Fold(entry(name), INCARNATION)
    bounds = sorted({0, len(rows), *cuts})
    for offset, (first, last) in enumerate(zip(bounds, bounds[1:], strict=False)):
        for _ in fold.record(offset, pack_json_lessons(INCARNATION, 0, first + 1, rows[first:last])):
            pass
        if offset in restore_after:
            fold.model = fold.entry.kind.restore(fold.model.snapshot())
    return fold


@pytest.fixture(scope="module", params=list(ROWS))
def whole(request: pytest.FixtureRequest, clusters_come_early: None) -> Fold:
    return folded(request.param, [], set())


@settings(deadline=None, max_examples=12)
@given(cuts=st.lists(st.integers(1, 199), max_size=20), restore_after=st.sets(st.integers(0, 20), max_size=5))
def test_any_cut_into_records_and_any_restore_give_the_same_bytes_and_news(cuts: list[int], restore_after: set[int], whole: Fold) -> None:
    found = folded(whole.entry.name, cuts, restore_after)
    assert found.model.snapshot() == whole.model.snapshot()
    assert found.decided == whole.decided and (whole.entry.name == "map" or {it.decision for it in whole.decided} >= {"born"})
    assert found.answers == whole.answers and len(found.answers) > 0.8 * len(ROWS[whole.entry.name])
