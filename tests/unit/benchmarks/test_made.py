"""What `benchmarks.made` compares: the same plays, and nothing but the source between two of its variants."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.made import VARIANTS, Plays, heard, measure, played, table
from evaluation.contest import seeded
from infra.settings import Settings
from online_models.presets import PRESETS

N, SEED = 1_500, 3
SETTINGS = seeded(Settings(explore_share=0.0), SEED)


@pytest.fixture(scope="module")
def plays() -> Plays:
    return heard(SEED, N, 6, 2)


def test_what_artists_cost_is_measured_on_lists_that_do_not_know_them(plays: Plays) -> None:
    """`next` has no cap of artists: where no artist's row is read it is the same whether plays name artists or not."""
    ranks = {name: played(SETTINGS, plays, variant, fresh_only=False)[0] for name, variant in VARIANTS.items()}
    assert np.array_equal(ranks["nothing told"], ranks["artists told"])
    assert not np.array_equal(ranks["artists read"], ranks["artists told"])
    assert not np.array_equal(ranks["albums read"], ranks["artists read"])
    assert min(PRESETS["fast"].made, PRESETS["fast"].album) > 0, "what a variant changed is put back"


def test_a_report_has_all_variants_beside_the_first() -> None:
    report = measure(Settings(explore_share=0.0), SEED, N, 6, 2)
    variants = report["variants"]
    assert list(variants) == list(VARIANTS)
    assert all(0.0 < row[name]["hr20"] < 1.0 for row in variants.values() for name in ("next", "discover"))
    assert variants["artists told"]["next"]["ahead"]["hr20"] == [0.0, 0.0, 0.0]
    assert variants["nothing told"]["next"]["tested"] > variants["nothing told"]["discover"]["tested"] > 0
    assert table([report]).count("\n") == 1 + len(VARIANTS)
