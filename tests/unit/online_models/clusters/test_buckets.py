"""Which tokens have a bucket, and what becomes of one when there are more tokens than buckets."""

from __future__ import annotations

import numpy as np
import pytest

from online_models.clusters import buckets
from online_models.clusters.buckets import Buckets


@pytest.fixture
def four(monkeypatch: pytest.MonkeyPatch) -> Buckets:
    monkeypatch.setattr(buckets, "BUCKETS", 4)
    return Buckets(counts=2, width=3)


def come(known: Buckets, *tokens: int) -> None:
    for value in tokens:
        at = known.home(value)
        if at is not None:
            known.n[at] += (1.0, 0.5)
            known.sums[at] += 2.0


def said(known: Buckets, value: int) -> list[float]:
    """Counts and the first of the sums; [] = the token has no bucket."""
    at, there = known.find(np.array([value], np.uint64))
    return [*known.n[at[0]].tolist(), float(known.sums[at[0], 0])] if there[0] else []


def test_tokens_of_one_place_have_a_bucket_each(four: Buckets) -> None:
    come(four, 5, 5, 9, 13)
    assert [said(four, value) for value in (5, 9, 13)] == [[2.0, 1.0, 4.0], [1.0, 0.5, 2.0], [1.0, 0.5, 2.0]]
    at, there = four.find(np.array([[0, 9], [7, 5]], np.uint64))
    assert there.tolist() == [[False, True], [False, True]] and at[0, 1] != at[1, 1]


def test_when_all_are_taken_a_bucket_goes_to_the_token_that_comes_more_often(four: Buckets) -> None:
    come(four, 8, 1, 1, 1, 2, 3)
    come(four, 5, 5)
    assert said(four, 5) == [] and said(four, 1) == [1.0, 0.5, 2.0], "the third of three is left, with its share of the sums"
    come(four, 5, 5)
    assert said(four, 1) == [] and said(four, 5) == [2.0, 1.0, 4.0], "it starts anew"
    assert [said(four, value)[0] for value in (8, 2, 3)] == [1.0, 1.0, 1.0], "the others are left in peace"


def test_what_was_kept_goes_on_in_the_same_way(four: Buckets) -> None:
    come(four, 8, 1, 1, 2, 3, 5, 5)
    again = Buckets(counts=2, width=3)
    again.take(four.parts())
    for known in (four, again):
        come(known, 5, 9, 9, 12, 2)
    assert again.parts() == four.parts() and said(again, 12) == [1.0, 0.5, 2.0]
