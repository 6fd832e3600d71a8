"""Growing and walking trees."""

from __future__ import annotations

import numpy as np
import pytest

from online_models.arrays import I64
from online_models.genres.chance import draw
from online_models.genres.trees import LEAF, Bench, Nodes, Rule, are_sound, grow, leaf_of, leaves_max, new_bench

N, N_NODES = 400, 255


def _empty(n_nodes: int = N_NODES) -> Nodes:
    return Nodes(np.full(n_nodes, LEAF, np.int16), np.zeros(n_nodes, np.float32), np.zeros(n_nodes, np.int16))


def _grown(x: np.ndarray, target: np.ndarray, rule: Rule, nodes: Nodes, seed: int = 1) -> tuple[I64, Bench]:
    """The leaf of every row."""
    bench = new_bench(len(x), len(nodes.feature), x.shape[1], 3)
    bench.rows[:] = np.arange(len(x))
    grow(nodes, x, target, len(x), x.shape[1], 3, rule, bench, np.array([seed], np.uint64))
    return np.array([leaf_of(nodes, row) for row in x]), bench


@pytest.fixture(scope="module")
def x() -> np.ndarray:
    return np.random.default_rng(4).random((N, 4)).astype(np.float32)


def test_a_checkerboard_is_learned(x: np.ndarray) -> None:
    y = ((x[:, 0] > 0.5) ^ (x[:, 2] > 0.5)).astype(np.int64)
    leaves, _ = _grown(x, y, Rule(4, 8, 2, 20), _empty())
    right = sum(max(np.bincount(y[leaves == leaf])) for leaf in np.unique(leaves))
    assert right > 0.93 * N


def test_residuals_are_split_where_they_change_sign(x: np.ndarray) -> None:
    residual = np.stack([np.where(x[:, 1] > 0.3, 0.5, -0.5), np.where(x[:, 1] > 0.3, -0.5, 0.5), np.zeros(N)], axis=1).astype(np.float32)
    nodes = _empty()
    leaves, _ = _grown(x, residual, Rule(4, 40, 5, 1), nodes)
    assert nodes.feature[0] == 1 and nodes.threshold[0] == pytest.approx(0.3, abs=0.06)
    assert set(leaves) == {0, 1}


def test_rules_hold(x: np.ndarray) -> None:
    y = np.random.default_rng(5).integers(0, 3, N)
    leaves, bench = _grown(x, y, Rule(2, 2, 7, 30), _empty())
    assert min(np.bincount(leaves)) >= 7, "leaf_min"
    assert sorted(bench.rows) == list(range(N)), "rows were moved, none was lost"
    assert len(set(_grown(x, y, Rule(2, 2, 1, 3), _empty())[0])) <= 8, "depth_max"
    small = _empty(9)
    assert len(set(_grown(x, y, Rule(2, 2, 1, 30), small)[0])) <= leaves_max(9) == 5, "nodes run out"
    assert are_sound(small, 4)


def test_alike_lessons_make_one_leaf() -> None:
    leaves, _ = _grown(np.ones((N, 4), np.float32), np.arange(N) % 3, Rule(2, 2, 1, 30), _empty())
    assert set(leaves) == {0}


def test_a_tree_that_replaces_a_larger_one_is_itself(x: np.ndarray) -> None:
    y = (x[:, 0] > 0.5).astype(np.int64)
    used, rule = _empty(), Rule(4, 8, 2, 20)
    _grown(x, np.random.default_rng(5).integers(0, 3, N), rule, used, seed=9)
    assert _grown(x, y, rule, used)[0].tolist() == _grown(x, y, rule, _empty())[0].tolist()


def test_trees_that_cannot_be_walked_are_told(x: np.ndarray) -> None:
    nodes = _empty()
    _grown(x, (x[:, 0] > 0.5).astype(np.int64), Rule(4, 8, 2, 20), nodes)
    assert are_sound(nodes, 4) and not are_sound(nodes, 0)
    for broken in (0, N_NODES - 1, -1):  # a cycle, beyond the end, before the beginning
        left = nodes.left.copy()
        left[0] = broken
        assert not are_sound(nodes._replace(left=left), 4)


def test_chance_is_even_and_goes_on_from_its_state() -> None:
    state = np.array([7], np.uint64)
    drawn = [draw(state, 5) for _ in range(5_000)]
    assert all(900 < n < 1_100 for n in np.bincount(drawn, minlength=5)) and set(drawn) == set(range(5))
    copy = state.copy()
    assert [draw(state, 1_000) for _ in range(9)] == [draw(copy, 1_000) for _ in range(9)]
