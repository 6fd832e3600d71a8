"""The vectors that are compared: the nearest tracks are the nearest, and skip-gram brings together what is played together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import typer

from benchmarks.vector_kernels import LEAST_COSINE, STEP, KnownToo, Space, learn_pair, nearest, new_space
from benchmarks.vector_variants import NEAREST, SERVED, VARIANTS
from benchmarks.vectors import chosen, main
from console.trouble import Trouble
from online_models.aims import N_AIMS
from online_models.moment import Known
from online_models.vectors import DIMENSIONS


def test_kernels_that_take_it_for_what_is_known_find_all_of_that() -> None:
    assert KnownToo._fields == (*Known._fields, "space")


def a_space(n: int, k: int, dimensions: int) -> Space:
    return new_space(np.arange(1, n + 1), NEAREST, k, dimensions, N_AIMS)


@pytest.mark.parametrize("k", [1, 7, 300])
def test_the_nearest_are_those_with_the_largest_cosines(k: int) -> None:
    rng, space = np.random.default_rng(k), a_space(200, k, 0)
    vectors = rng.normal(size=(200, DIMENSIONS)).astype(np.float32)
    space.near[:] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    aim = space.near[5] + 0.5 * space.near[9]
    aim /= np.linalg.norm(aim)
    n = nearest(space, aim, k)
    cosines = space.near @ aim
    wanted = [t for t in np.argsort(-cosines).tolist() if cosines[t] > LEAST_COSINE][:k]
    assert space.which[:n].tolist() == wanted
    assert space.best[:n] == pytest.approx(cosines[wanted], abs=1e-5)


def _cosine(space: Space, a: int, b: int) -> float:
    u, v = space.near[a], space.near[b]
    return float(u @ v / np.linalg.norm(u) / np.linalg.norm(v))


def test_tracks_that_share_company_become_alike_and_others_do_not() -> None:
    space, rng = a_space(40, 1, 32), np.random.default_rng(1)
    for _ in range(4_000):
        half = int(rng.integers(2)) * 20
        a, b = half + rng.integers(20, size=2)
        if a != b:
            learn_pair(space, int(a), int(b), 1.0)
        space.recent[space.n_recent[0] % len(space.recent)] = a
        space.n_recent[0] += 1
    within = np.mean([_cosine(space, a, b) for a in range(20) for b in range(a)])
    across = np.mean([_cosine(space, a, b) for a in range(20) for b in range(20, 40)])
    assert within > across + 0.5
    assert not space.near[:, 32:].any() and not space.other[:, 32:].any(), "of 32 dimensions"


def test_a_step_without_negatives_is_the_gradient() -> None:
    space = a_space(2, 1, DIMENSIONS)
    space.other[1] = np.linspace(-1, 1, DIMENSIONS)
    near, other = space.near[0].copy(), space.other[1].copy()
    learn_pair(space, 0, 1, 0.5)
    g = STEP * 0.5 * (1 - 1 / (1 + np.exp(-near @ other)))
    assert space.near[0] == pytest.approx(near + g * other, abs=1e-6)
    assert space.other[1] == pytest.approx(other + g * near, abs=1e-6)


def test_names_are_chosen_in_order_and_others_refused() -> None:
    assert chosen("") == [name for name in VARIANTS if name != SERVED]
    assert chosen("learned-32, no-past") == ["no-past", "learned-32"]
    with pytest.raises(Trouble, match="no variant is called nothing"):
        chosen("nothing")


def test_a_file_that_is_no_log_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.parquet").write_bytes(b"no parquet")
    with pytest.raises(typer.Exit):
        main(tmp_path / "x.parquet")
    assert "cannot be read as parquet" in capsys.readouterr().err
