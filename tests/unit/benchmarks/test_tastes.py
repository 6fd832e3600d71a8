"""What `benchmarks.tastes` compares: the same plays and the same catalogue; that the ranker looks at it is all that differs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from benchmarks.simulator.run import Size
from benchmarks.tastes import FIRST, VARIANTS, Plays, heard, measure, played, table
from evaluation.contest import seeded
from infra.settings import Settings

SIZE, SEED = Size(users=24, days=6, tracks=500, styles=12), 3
SETTINGS = seeded(Settings(explore_share=0.0), SEED)


@pytest.fixture(scope="module", autouse=True)
def few_tracks_are_enough() -> Iterator[None]:
    """Micro-genres begin at 200 tracks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("online_models.clusters.micro_genres.FIRST_N", 200)
        yield


@pytest.fixture(scope="module")
def plays() -> Plays:
    return heard(SEED, SIZE)


def test_micro_genres_are_found_by_sound_alone_and_nest_in_the_genres_that_there_are(plays: Plays) -> None:
    assert plays.clusters >= 4 and plays.agree > 0.5 and len(plays.served) == 1 + SIZE.tracks


def test_who_does_not_look_at_the_catalogue_ranks_as_if_there_were_none(plays: Plays) -> None:
    bare = plays._replace(served={})
    nothing, off, on = (played(SETTINGS, it, name, fresh_only=False)[0] for it, name in ((bare, "on"), (plays, FIRST), (plays, "on")))
    assert np.array_equal(nothing, off)
    assert not np.array_equal(on, off)


def test_a_report_has_all_variants_beside_the_first() -> None:
    report = measure(Settings(explore_share=0.0), SEED, SIZE)
    variants = report["variants"]
    assert tuple(variants) == VARIANTS
    assert all(0.0 < row[name]["hr20"] < 1.0 for row in variants.values() for name in ("next", "discover"))
    assert variants[FIRST]["next"]["ahead"]["hr20"] == [0.0, 0.0, 0.0]
    assert variants["on"]["next"]["ahead"] != variants["without genres"]["next"]["ahead"]
    assert table([report]).count("\n") == 1 + len(VARIANTS)
