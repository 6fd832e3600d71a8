"""Clusters that grow out of a stream: found, kept, split, merged, and gone on with after a restart."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from online_models.arrays import I64
from online_models.clusters import micro_genres
from online_models.clusters.frame import VARIANTS, Variant
from online_models.clusters.micro_genres import MicroGenres
from online_models.clusters.track import Track
from online_models.model import BadSnapshot
from tests.unit.online_models.clusters.catalogues import styles


@pytest.fixture(autouse=True)
def clusters_come_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(micro_genres, "FIRST_N", 400)


def taught(tracks: list[Track], variant: Variant = "company") -> MicroGenres:
    model = MicroGenres(variant)
    for track in tracks:
        model.learn_one(track)
    return model


def purity(model: MicroGenres, tracks: list[Track], style: I64) -> float:
    found = [model.predict_one(track) for track in tracks]
    return float(sum(max(np.bincount(style[[f == c for f in found]])) for c in set(found)) / len(tracks))


@pytest.mark.parametrize("variant", VARIANTS)
def test_styles_are_found_and_their_number(variant: Variant) -> None:
    tracks, style = styles(800, 12, seed=3)
    model = taught(tracks, variant)
    assert model.number == 12 and purity(model, tracks[-200:], style[-200:]) > 0.95


def test_there_are_no_clusters_before_there_is_enough_to_see() -> None:
    tracks, _ = styles(401, 5, seed=3)
    model = MicroGenres()
    assert {model.learn_one(track) for track in tracks[:400]} == {None} and model.number == 5
    assert model.learn_one(tracks[400]) in model.ids


def test_a_style_that_appears_is_split_off_and_the_others_keep_their_ids() -> None:
    tracks, style = styles(2_000, 6, seed=5, apart=12.0)
    new = 5
    early = [t for t, s in zip(tracks, style, strict=True) if s != new][:500]
    model = taught(early, "audio")
    before = [model.predict_one(track) for track in early]
    assert model.number == 5 and {event.what for event in model.events} == {"born"}
    for track in tracks[700:]:
        model.learn_one(track)
    assert [event.what for event in model.events[5:]] == ["split"] and model.number == 6
    assert model.events[5].other in model.ids and model.events[5].cluster == model.ids[-1] == 5
    assert np.mean([model.predict_one(t) == b for t, b in zip(early, before, strict=True)]) > 0.99


def test_clusters_that_grow_together_are_merged_into_the_larger() -> None:
    rng = np.random.default_rng(1)
    tracks, _ = styles(450, 4, seed=7)
    model = taught(tracks, "audio")
    filled = [t._replace(numbers=tracks[0].numbers + 8.0 * rng.normal(size=11)) for t in tracks * 4]
    for track in filled:
        model.learn_one(track)
    merged = [event for event in model.events if event.what == "merged"]
    assert merged and all(event.cluster not in model.ids for event in merged)
    assert len(set(model.ids)) == model.number == len(model.centres) == len(model.names)


def test_names_say_what_is_over_represented() -> None:
    tracks, style = styles(800, 6, seed=3)
    model = taught(tracks)
    for cluster, name in zip(model.ids, model.names, strict=True):
        mine = style[[model.predict_one(track) == cluster for track in tracks]]
        s = int(np.bincount(mine).argmax())
        assert (name.label[0].text, name.word[0].text) == (f"genre{s % 3}", f"word{s}") and name.artist[0].text.startswith(f"artist {s}-")
        assert "love" not in {term.text for term in name.word}, "everybody's word names nobody"


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_restored_model_goes_on_bit_equally(variant: Variant) -> None:
    tracks, _ = styles(900, 6, seed=9)
    whole, cuts = MicroGenres(variant), {0, 50, 100, 399, 400, 601}
    restored: list[MicroGenres] = []
    for n, track in enumerate(tracks):
        if n in cuts:
            restored.append(MicroGenres.restore(whole.snapshot()))
            assert restored[-1].snapshot() == whole.snapshot(), f"restored after {n} tracks, other bytes"
        expected = whole.learn_one(track)
        assert {model.learn_one(track) for model in restored} <= {expected}
    parts = whole.snapshot()
    assert all(model.snapshot() == parts for model in restored)
    assert all(len(part) < 8 << 20 and not part.startswith(b"\x80") for part in parts.values())


def test_asking_leaves_no_trace() -> None:
    tracks, _ = styles(500, 6, seed=9)
    model = taught(tracks)
    before = model.snapshot()
    for track in tracks[:20]:
        model.predict_one(track)
        model.predict_one(track._replace(numbers=np.full(11, np.nan), artists=("never seen",), labels=("never seen",)))
    model.evidence(tracks[:20], learned=True)
    assert model.snapshot() == before


def test_torn_snapshots_are_refused() -> None:
    parts = taught(styles(500, 6, seed=9)[0]).snapshot()
    torn = [{other: part for other, part in parts.items() if other != name} for name in parts]
    torn += [{**parts, name: part[:-1]} for name, part in parts.items()]
    torn += [{**parts, "meta": b"{}"}, {**parts, "texts": b"[]", "numbers": b""}, {**parts, "centres": b""}]
    torn += [{**parts, "meta": msgspec.json.encode({**msgspec.json.decode(parts["meta"]), "variant": "else"})}]
    for broken in torn:
        with pytest.raises(BadSnapshot):
            MicroGenres.restore(broken)


def test_unknown_numbers_do_not_spoil_the_known() -> None:
    tracks, style = styles(700, 6, seed=9)
    rng = np.random.default_rng(4)
    holed = [t._replace(numbers=np.where(rng.random(11) < 0.1, np.nan, t.numbers)) for t in tracks]
    model = taught(holed)
    assert np.isfinite(model.centres).all() and purity(model, tracks, style) > 0.9
