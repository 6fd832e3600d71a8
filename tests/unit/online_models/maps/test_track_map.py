"""A map follows the sample without jumping, and goes on after a restart."""

from __future__ import annotations

import numpy as np
import pytest

from online_models.clusters import micro_genres, sample
from online_models.clusters.micro_genres import MicroGenres
from online_models.maps import track_map
from online_models.maps.track_map import TrackMap
from online_models.model import BadSnapshot
from tests.unit.online_models.clusters.catalogues import styles


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(micro_genres, "FIRST_N", 200)
    monkeypatch.setattr(micro_genres, "place", lambda n: sample.place(n, size=120))
    monkeypatch.setattr(track_map, "LANDMARKS_N", 100)


def played(n: int, dims: int = 2) -> tuple[MicroGenres, TrackMap, list[TrackMap]]:
    """A map that follows 20 tracks at a time from the 200th on, and what it was restored to on the way."""
    model, made, restored = MicroGenres("audio"), TrackMap(dims), list[TrackMap]()
    for i, track in enumerate(styles(n, 5, seed=2)[0], 1):
        model.learn_one(track)
        if i >= 200 and i % 20 == 0:
            for it in (made, *restored):
                it.update(model)
        if i in (100, 240):
            restored.append(TrackMap.restore(made.snapshot()))
    return model, made, restored


@pytest.mark.parametrize("dims", [2, 3])
def test_tracks_of_a_style_lie_together(dims: int) -> None:
    model, made, _ = played(200, dims)
    tracks, style = styles(300, 5, seed=2)
    at = made.place(model.points(np.array([track.numbers for track in tracks]), model.evidence(tracks, learned=False)))
    centres = np.array([at[style == s].mean(axis=0) for s in range(5)])
    nearest = np.linalg.norm(at[:, None] - centres[None], axis=2).argmin(axis=1)
    assert at.shape == (300, dims) and (nearest == style).mean() > 0.95 and made.stress() < 0.3


def test_the_picture_does_not_jump() -> None:
    model, made, _ = played(200)
    old = made.places.copy()
    for track in styles(500, 5, seed=2)[0][200:]:
        model.learn_one(track)
    was, stays = made.since.copy(), None
    assert made.update(model) and made.version == 2
    stays = made.since == was
    assert 0 < stays.sum() < len(stays), "some landmarks were taken over"
    moved = np.linalg.norm(made.places[stays] - old[stays], axis=1)
    assert moved.mean() < 0.1 * np.linalg.norm(old - old.mean(axis=0), axis=1).mean()


def test_nothing_moves_when_nothing_changed() -> None:
    model, made, _ = played(200)
    before = made.snapshot()
    assert not made.update(model) and made.snapshot() == before


def test_a_restored_map_goes_on_bit_equally() -> None:
    _, made, restored = played(300)
    assert made.version > 1 and len(restored) == 2
    assert all(it.snapshot() == made.snapshot() for it in restored)


def test_torn_snapshots_are_refused() -> None:
    parts = played(200)[1].snapshot()
    torn = [{other: part for other, part in parts.items() if other != name} for name in parts]
    torn += [{**parts, name: part[:-1]} for name, part in parts.items()] + [{**parts, "meta": b'{"format":9,"dims":2,"version":1}'}]
    for broken in torn:
        with pytest.raises(BadSnapshot):
            TrackMap.restore(broken)
