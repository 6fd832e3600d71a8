"""Clusters that stay themselves while their points move."""

from __future__ import annotations

import numpy as np
import pytest

from online_models.clusters.following import Event, Following
from online_models.clusters.micro_genres import MicroGenres
from online_models.clusters.partition import nearest


def two_groups(rng: np.random.Generator) -> Following:
    """Clusters 0 and 1 about (-3, 0) and (3, 0)."""
    known = Following()
    known.n_tracks = 400
    known.follow(np.concatenate([rng.normal((x, 0.0), 1.0, (200, 2)) for x in (-3.0, 3.0)]), None)
    assert known.number == 2, "a further cut explains too little"
    return known


@pytest.fixture(autouse=True)
def few_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """In two dimensions a cut of one round group explains more than in ten."""
    monkeypatch.setattr(Following, "split_share", 0.05)
    monkeypatch.setattr(Following, "merge_share", 0.02)


def test_a_review_goes_on_until_members_hardly_change(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = {}
    for steps in (1, MicroGenres.steps):
        monkeypatch.setattr(Following, "steps", steps)
        known = two_groups(np.random.default_rng(5))
        moved = np.random.default_rng(6).normal(0.0, 1.0, (4_000, 2)) * (1.0, 3.0)
        known.follow(moved, nearest(moved, known.centres))
        before = nearest(moved, known.centres)
        known._move(moved, before)
        gone[steps] = float((nearest(moved, known.centres) != before).mean())
    assert gone[MicroGenres.steps] < 0.5 * gone[1]


def test_a_cluster_that_moves_is_still_itself_and_one_without_tracks_is_gone() -> None:
    known = two_groups(np.random.default_rng(5))
    left = int(known.place(np.array([[-3.0, 0.0]]))[0])
    x = np.random.default_rng(6).normal((-2.5, 1.0), 1.0, (300, 2))
    known.n_tracks = 700
    known.events = []
    known.follow(x, np.full(len(x), known.ids.index(left)))
    assert left in known.ids and Event("merged", 1 - left, None, 700) in known.events
