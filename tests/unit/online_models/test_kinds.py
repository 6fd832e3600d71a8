"""Kinds of listeners: found where there are some, the same for ever, and told in words."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np
import pytest

from online_models.model import BadSnapshot
from online_models.segments.kinds import FEATURES, FIRST_N, Kinds, ServedKinds
from online_models.segments.listeners import SegmentsModel
from online_models.segments.serving import BadServing, parse

CENTRES = np.array([[0.9, 1.0, 3.0, 0.8, 2.0, 5.0, 0.9], [0.1, 3.0, 1.0, 0.9, 5.0, 7.0, 0.9], [0.5, 1.0, 5.0, 0.1, 0.5, 6.0, 0.4]])
"""Explorers, those who play what they know for long, and those who are seldom there."""


def points(n: int, seed: int = 1, spread: float = 0.15) -> Iterator[tuple[dict[str, float], int]]:
    """Listeners and which of the three they are; the second kind is half of all."""
    rng = np.random.default_rng(seed)
    for kind in rng.choice(3, n, p=[0.25, 0.5, 0.25]).tolist():
        point = CENTRES[kind] + rng.normal(0.0, spread, len(FEATURES)) * CENTRES.std(axis=0)
        yield dict(zip(FEATURES, point.tolist(), strict=True)), kind


def learned(n: int, seed: int = 1) -> Kinds:
    kinds = Kinds()
    for x, _ in points(n, seed):
        kinds.learn_one(x)
    return kinds


def test_three_kinds_are_found_and_everybody_is_one_of_them() -> None:
    served = learned(FIRST_N).served()
    assert len(served.kinds) == 3 and 0.45 < served.kinds[0].share < 0.55 and sum(kind.share for kind in served.kinds) == pytest.approx(1.0)
    found = [(kind, served.of(x)) for x, kind in points(300, seed=2)]
    pairs = {(kind, it.id) for kind, it in found if it is not None}
    assert len(pairs) == 3 == len({kind for kind, _ in pairs}), "one id for each kind"
    names = {kind: next(it.name for k, it in found if k == kind and it is not None) for kind in range(3)}
    assert "many plays a week" in names[1] or "what they know" in names[1]
    assert "seldom back within a week" in names[2] or "breaks off" in names[2]


def test_before_there_are_enough_listeners_nobody_is_of_a_kind() -> None:
    assert learned(FIRST_N - 1).served().of(next(points(1))[0]) is None


def test_kinds_keep_their_ids_while_listeners_come_and_the_like_of_them_move() -> None:
    kinds = learned(FIRST_N)
    before = {it.id for x, _ in points(50, seed=3) if (it := kinds.served().of(x)) is not None}
    for x, _ in points(4_000, seed=4):
        kinds.learn_one({name: value + 0.1 for name, value in x.items()})
    assert {it.id for x, _ in points(50, seed=3) if (it := kinds.served().of(x)) is not None} == before
    assert [event.what for event in kinds.events] == ["born"] * 3


@pytest.mark.parametrize("n", [0, 10, FIRST_N + 20, 3_000])
def test_a_snapshot_goes_on_bit_equally(n: int) -> None:
    kinds = learned(n)
    again = Kinds.restore(kinds.snapshot())
    for x, _ in points(FIRST_N, seed=5):
        kinds.learn_one(x)
        again.learn_one(x)
    assert again.snapshot() == kinds.snapshot() and again.served() == kinds.served()


def test_a_snapshot_of_before_has_no_kinds_and_a_torn_one_is_refused() -> None:
    assert Kinds.restore({}).snapshot() == Kinds().snapshot()
    parts = learned(FIRST_N).snapshot()
    for name in parts:
        with pytest.raises(BadSnapshot):
            Kinds.restore({**parts, name: parts[name][:-1]})


def test_what_another_build_served_is_refused() -> None:
    served = SegmentsModel().served(1)
    kinds = learned(FIRST_N).served()
    assert ServedKinds().fits() and kinds.fits()
    for broken in (msgspec.structs.replace(kinds, features=["x"] * 7), msgspec.structs.replace(kinds, mean=kinds.mean[:-1])):
        with pytest.raises(BadServing, match="kinds"):
            parse(msgspec.json.encode(msgspec.structs.replace(served, kinds=broken)))
    assert parse(msgspec.json.encode(msgspec.structs.replace(served, kinds=kinds))).kinds == kinds


def test_a_model_tells_of_kinds_that_are_born_once_and_by_name() -> None:
    model = SegmentsModel()
    model.minds.kinds = learned(FIRST_N)
    happened = model.take_news().happened
    assert [it.what for it in happened] == ["born"] * 3 and {it.about for it in happened} == {"kind-0", "kind-1", "kind-2"}
    assert {it.detail["name"] for it in happened} == {kind.name for kind in model.minds.kinds.served().kinds}
    assert not model.take_news().happened and model.scores()["kinds"] == 3.0
