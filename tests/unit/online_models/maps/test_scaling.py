"""Multidimensional scaling: exact where it can be, as good as a search where it cannot, and never worse after a step."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.spatial.distance import cdist

from online_models.maps.scaling import among, classical, majorised, placed, stress, turned

SEEDS = st.integers(0, 10_000)


@given(SEEDS, st.integers(2, 3))
@settings(max_examples=10)
def test_distances_of_a_plane_are_kept_exactly(seed: int, dims: int) -> None:
    points = np.random.default_rng(seed).normal(size=(12, dims))
    distances = cdist(points, points)
    assert stress(classical(distances, dims), distances) == pytest.approx(0.0, abs=1e-6)


@given(SEEDS)
@settings(max_examples=10)
def test_no_step_raises_the_stress(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(15, 6))
    distances, found = cdist(points, points), rng.normal(size=(15, 2))
    found_stress = [stress(found, distances)]
    for _ in range(12):
        found = majorised(distances, found, 1)
        found_stress.append(stress(found, distances))
    assert all(b <= a + 1e-12 for a, b in zip(found_stress, found_stress[1:], strict=False))
    assert found_stress[-1] < 0.8 * found_stress[0], "and at first they lower it by far"


def test_six_points_lie_as_well_as_a_search_from_many_starts_finds() -> None:
    """The other search follows the slope of the stress itself (BFGS), and knows nothing of majorisation."""
    rng = np.random.default_rng(5)
    points = rng.normal(size=(6, 4))
    distances = cdist(points, points)
    starts = rng.normal(size=(12, 6, 2))
    slopes = [minimize(lambda flat: stress(flat.reshape(6, 2), distances), start.ravel(), method="BFGS").fun for start in starts]
    found = [stress(majorised(distances, start, 500), distances) for start in starts]
    assert min(found) == pytest.approx(min(slopes), abs=2e-3)
    assert stress(majorised(distances, classical(distances, 2), 500), distances) < 1.1 * min(slopes), "one good start is nearly enough"


def test_a_point_among_landmarks_is_where_a_search_finds_it_best() -> None:
    rng = np.random.default_rng(3)
    points = rng.normal(size=(9, 5))
    landmarks = majorised(cdist(points[:8], points[:8]), classical(cdist(points[:8], points[:8]), 2), 100)
    distances = cdist(points[8:], points[:8])
    found = placed(distances, landmarks, among(distances, landmarks, 3), 300)

    def loss(at: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> float:
        return float(((cdist(at, landmarks) - distances) ** 2).sum())

    grid = np.array([[x, y] for x in np.linspace(-4, 4, 81) for y in np.linspace(-4, 4, 81)])
    assert loss(found) <= min(loss(at[None, :]) for at in grid) + 0.01


@given(SEEDS)
@settings(max_examples=10)
def test_turning_back_undoes_a_turn_and_stretches_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(10, 2))
    angle = rng.uniform(0, 6)
    away = points @ np.array([[np.cos(angle), np.sin(angle)], [np.sin(angle), -np.cos(angle)]]) + rng.normal(size=2)
    assert np.allclose(turned(away, away[:6], points[:6]), points, atol=1e-9)
    other = turned(away, away[:6], rng.normal(size=(6, 2)))
    assert np.allclose(cdist(other, other), cdist(points, points))


def test_points_that_fall_together_do_no_harm() -> None:
    distances = np.ones((5, 5)) - np.eye(5)
    assert np.isfinite(majorised(distances, np.zeros((5, 2)), 10)).all()
    assert np.isfinite(placed(np.zeros((2, 5)), np.zeros((5, 2)), np.zeros((2, 2)), 10)).all()
