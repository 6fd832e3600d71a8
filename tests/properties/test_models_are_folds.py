"""A model is a fold of its lessons: however they are cut, wherever it was restored, whatever seed Python hashes with."""

from __future__ import annotations

import hashlib
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from online_models.finish import FinishModel
from online_models.finish_features import as_mapping
from online_models.finish_serving import parse
from online_models.model import digest
from online_models.registry import entry
from streams.lessons import pack_lessons
from streams.model_fold import Fold
from tests.lessons_log import INCARNATION, lesson_items
from tests.lessons_of_known_truth import draw

ITEMS = lesson_items(240, seed=21)

WITH_A_SEED = """
from online_models.clusters import micro_genres
from online_models.finish_serving import parse
from online_models.model import digest
from online_models.registry import MODELS
from tests.lessons_of_known_truth import lessons
from tests.listening_of_known_habits import listening
from tests.tracks_of_known_genre import tracks
from online_models.texts import text_clusters
micro_genres.FIRST_N = text_clusters.FIRST_N = 120
of_rows, of_plays, of_listeners = tracks(150, 4), lessons(2500, 4, bent=True), listening(700, 4)
for entry in MODELS:
    model = entry.kind()
    for lesson in {"finish": of_plays, "counts": of_listeners, "segments": of_listeners}.get(entry.name, of_rows):
        model.learn_one(*lesson)
    print(entry.name, digest(model.snapshot()), digest({"serving": model.serving(1)}))
"""


def folded(cuts: list[int], restore_after: set[int]) -> Fold:
    """All of ITEMS in records cut at `cuts`, with the model restored from its snapshot after some of them."""
    fold = Fold(entry("finish"), INCARNATION)
    bounds = sorted({0, len(ITEMS), *cuts})
    for offset, (first, last) in enumerate(zip(bounds, bounds[1:], strict=False)):
        for _ in fold.record(offset, pack_lessons(INCARNATION, 0, first + 1, ITEMS[first:last])):
            pass
        if offset in restore_after:
            fold.model = FinishModel.restore(fold.model.snapshot())
    return fold


WHOLE = digest(folded([], set()).model.snapshot())


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(1, len(ITEMS) - 1), max_size=30), st.sets(st.integers(0, 30), max_size=6))
def test_any_cut_into_records_and_any_restore_give_the_same_bytes(cuts: list[int], restore_after: set[int]) -> None:
    assert digest(folded(cuts, restore_after).model.snapshot()) == WHOLE


@pytest.mark.slow
def test_over_20_000_lessons_a_model_restored_at_random_points_predicts_and_learns_bit_equally() -> None:
    n = 20_000
    rng = np.random.default_rng(31)
    x, p = draw(n, seed=32, bent=True)
    y, w = rng.random(n) < p, rng.uniform(0.5, 4.0, n)
    restore_at = set(rng.choice(n, 40, replace=False).tolist())
    whole, restored = FinishModel(), FinishModel()
    said = [hashlib.sha256(), hashlib.sha256()]
    for i in range(n):
        if i in restore_at:
            restored = FinishModel.restore(restored.snapshot())
        lesson = as_mapping(x[i])
        for model, told in zip((whole, restored), said, strict=True):
            told.update(struct.pack("<d", model.predict_one(lesson)))
            model.learn_one(lesson, bool(y[i]), float(w[i]))
    assert said[0].digest() == said[1].digest()
    assert whole.snapshot() == restored.snapshot()
    assert whole._tree.n_nodes >= 15, "the tree grew on the way"


def test_no_model_depends_on_the_seed_of_pythons_hashes() -> None:
    root = Path(__file__).parents[2]
    told = set()
    for seed in ("0", "1", "4711"):
        run = subprocess.run(
            [sys.executable, "-c", WITH_A_SEED],
            cwd=root,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(root)},
            capture_output=True,
            check=True,
            timeout=120,
        )
        told.add(run.stdout)
    assert len(told) == 1


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32), st.sampled_from([1e-40, 1e-3, 1.0, 9e3]), st.sampled_from([1e-3, 1.0, 9e3]))
def test_any_lessons_within_bounds_leave_a_finite_model(seed: int, scale: float, weight: float) -> None:
    """Constant features that jump, values of one sign, tiny and huge ones, weights that change a million times over."""
    rng = np.random.default_rng(seed)
    model = FinishModel()
    for n in range(600):
        x = (rng.normal(size=12) * scale).clip(-1e4, 1e4).astype(np.float32)
        x[rng.random(12) < 0.3] = 0.0
        if n < 300:
            x[:6] = 1.0
        model.learn_one(as_mapping(x), bool(rng.random() < 0.5), weight if rng.random() < 0.5 else 1.0)
        assert 0.0 < model.predict_one(as_mapping(x)) < 1.0
    parts = model.snapshot()
    assert np.isfinite(np.frombuffer(parts["linear"])).all()
    assert parse(model.serving(1)).lessons == 600
    assert FinishModel.restore(parts).snapshot() == parts
