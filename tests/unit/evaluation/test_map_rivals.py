"""scikit-learn's scaling as a rival of ours."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from evaluation.map_rivals import LibraryMap, library_mds, neighbours_kept
from online_models.arrays import F64
from online_models.maps.scaling import classical, majorised, stress

STEPS_N = 300


@pytest.fixture(scope="module")
def points() -> F64:
    """In ten dimensions, of which some are wide."""
    return np.asarray(np.random.default_rng(1).normal(size=(240, 10)) * np.linspace(0.3, 2.0, 10))


def test_it_ends_where_ours_ends(points: F64) -> None:
    distances = cdist(points, points)
    ours, theirs = majorised(distances, classical(distances, 2), STEPS_N), library_mds(distances, 2)
    assert stress(theirs, distances) == pytest.approx(stress(ours, distances), rel=0.005)
    assert neighbours_kept(distances, theirs) == pytest.approx(neighbours_kept(distances, ours), abs=0.01)


def test_neighbours_are_kept_where_nothing_is_lost_and_not_by_chance(points: F64) -> None:
    distances = cdist(points, points)
    assert neighbours_kept(distances, points) == 1.0
    assert neighbours_kept(distances, np.random.default_rng(2).normal(size=(240, 2))) == pytest.approx(0.5, abs=0.05)


def test_its_landmarks_are_turned_back_onto_those_that_stayed(points: F64) -> None:
    distances, since = cdist(points, points), np.arange(240)
    made = LibraryMap(2)
    first = made._drawn(distances, since)
    turn = np.array([[0.0, -1.0], [1.0, 0.0]])
    made.places, made.since = first @ turn + 5.0, np.where(since < 200, since, -1)
    assert np.allclose(made._drawn(distances, since), made.places, atol=1e-6)
