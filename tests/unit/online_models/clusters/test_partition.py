"""How points are cut, and how many clusters the data decide."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from online_models.arrays import F64
from online_models.clusters.partition import bisected, cheapest_merge, cut, dearest_split, nearest, settled, squares


def blobs(k: int, n: int = 3_000, d: int = 8, seed: int = 0) -> tuple[F64, F64]:
    rng = np.random.default_rng(seed)
    centres = 8.0 * rng.normal(size=(k, d))
    return centres[rng.integers(k, size=n)] + rng.normal(size=(n, d)), centres


@pytest.mark.parametrize("k", [1, 4, 9, 12])
@pytest.mark.parametrize("seed", [1, 2])
def test_as_many_clusters_as_there_are_blobs(k: int, seed: int) -> None:
    x, centres = blobs(k, seed=seed)
    found = bisected(x)
    if k == 1:
        assert len(found) > 1, "one round cloud is spread evenly: there is no other scale than its own variance"
        return
    assert len(found) == k
    assert np.allclose(np.sort(found, axis=0), np.sort(centres, axis=0), atol=0.5)


@pytest.mark.parametrize("n", [1_000, 8_000])
def test_the_number_does_not_grow_with_the_points(n: int) -> None:
    assert len(bisected(blobs(9, n=n)[0])) == 9


@given(st.integers(0, 10_000), st.integers(20, 60))
def test_a_cut_gains_what_it_says_and_no_other_cut_across_gains_more(seed: int, n: int) -> None:
    x = np.random.default_rng(seed).normal(size=(n, 3))
    found = cut(x, np.arange(n))

    def within(rows: F64) -> float:
        return float(((rows - rows.mean(axis=0)) ** 2).sum())

    assert sorted([*found.upper, *found.lower]) == list(range(n))
    assert found.gain == pytest.approx(within(x) - within(x[found.upper]) - within(x[found.lower]))
    along = (x - x.mean(axis=0)) @ np.linalg.eigh(np.cov(x.T))[1][:, -1]
    order = np.argsort(along)
    others = [within(x) - within(x[order[:i]]) - within(x[order[i:]]) for i in range(8, n - 7)]
    assert found.gain == pytest.approx(max(others))


@given(st.integers(0, 10_000))
def test_a_merge_loses_what_it_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, labels = rng.normal(size=(40, 3)), np.arange(40) % 4
    centres, n = np.array([x[labels == i].mean(axis=0) for i in range(4)]), np.bincount(labels).astype(float)

    def within(rows: F64) -> float:
        return float(((rows - rows.mean(axis=0)) ** 2).sum())

    i, j, price = cheapest_merge(centres, n)
    lost = {
        (a, b): within(x[(labels == a) | (labels == b)]) - within(x[labels == a]) - within(x[labels == b])
        for a in range(4)
        for b in range(a + 1, 4)
    }
    assert price == pytest.approx(lost[i, j]) == pytest.approx(min(lost.values()))


def test_the_dearest_split_is_of_the_cluster_that_holds_two_blobs() -> None:
    x, centres = blobs(3)
    labels = nearest(x, centres)
    labels[labels == 2] = 1
    at, found = dearest_split(x, labels, 2)
    assert at == 1 and {len(found.upper), len(found.lower)} == set(np.bincount(nearest(x, centres))[1:].tolist())


def test_settling_never_loses() -> None:
    x, _ = blobs(6)
    start = x[:6].copy()
    assert squares(x, settled(x, start, 1)) <= squares(x, start)
