"""The declared table of features, and their scaling."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from river.preprocessing import StandardScaler

from online_models.cleaning.fields import TRACK, TRACK_FIELDS
from online_models.cleaning.verdicts import Value
from online_models.genres.features import AUDIO_GROUPS, FEATURES, GROUPS, of_groups, read, refuse_bad_values
from online_models.genres.scaling import SCALED_MAX, Scaling
from online_models.model import BadLesson

NUMBERS = [field for field in TRACK_FIELDS if field.kind == "number"]


def test_every_entry_reads_declared_fields_and_has_a_name_of_its_own() -> None:
    assert len({feature.name for feature in FEATURES}) == len(FEATURES)
    assert all(field in TRACK for feature in FEATURES for field in feature.fields)
    assert {feature.group for feature in FEATURES} == set(GROUPS) > set(AUDIO_GROUPS)
    assert {feature.policy for feature in FEATURES} == {"standardised", "normalised", "log"}


@given(st.fixed_dictionaries({field.name: st.floats(field.low, field.high) for field in NUMBERS}))
def test_every_feature_of_every_declared_value_is_a_finite_number(values: dict[str, float]) -> None:
    found = read(FEATURES, {**values, "released": "1999-12"})
    assert found.keys() == {feature.name for feature in FEATURES}
    assert all(math.isfinite(value) for value in found.values())


def test_keys_that_share_tones_are_neighbours() -> None:
    def at(key: int) -> np.ndarray:
        found = read(of_groups(["harmony"]), {"key": key})
        return np.array([found["key_sine"], found["key_cosine"]])

    to_fifth, to_semitone = np.linalg.norm(at(0) - at(7)), np.linalg.norm(at(0) - at(1))
    assert to_fifth == pytest.approx(np.linalg.norm(at(2) - at(9))) and to_fifth < 0.6 < 1.9 < to_semitone


def test_a_minor_key_has_the_signature_of_its_major() -> None:
    def signature(key: int, mode: int) -> float:
        return read(FEATURES, {"key": key, "mode": mode})["accidentals"]

    assert signature(9, 0) == signature(0, 1) == 0.0  # A minor, C major
    assert signature(4, 0) == signature(7, 1) == 1.0  # E minor, G major: one sharp
    assert sorted(signature(key, 1) for key in range(12)) == [float(n) for n in range(-5, 7)]


def test_what_is_not_usable_is_left_out_and_takes_nothing_else_with_it() -> None:
    bad: dict[str, Value] = {"energy": 7.3, "valence": float("nan"), "tempo": "fast", "released": "?", "key": 5, "popularity": 10**400}
    assert read(FEATURES, bad).keys() == {"key_sine", "key_cosine"}
    assert read(FEATURES, {**bad, "released": "²⁰¹⁹"}).keys() == {"key_sine", "key_cosine"}, "digits, and no number"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 7.3, -0.1, 1e300, "0.5"])
def test_a_number_that_may_not_teach_is_refused(value: Value) -> None:
    with pytest.raises(BadLesson):
        refuse_bad_values({"energy": value})
    refuse_bad_values({"title": "7.3", "unheard_of": math.nan})


def test_scaling_is_what_rivers_scaler_does_in_columns() -> None:
    features = of_groups(["release"])
    scaling, river, x = Scaling(features), StandardScaler(), np.zeros(2, np.float32)
    for year in (1969, 1975, 1984, 2001):
        found = read(features, {"released": f"{year}"})
        scaling.learn_one(found)
        river.learn_one(found)
    found = read(features, {"released": "2010-06-01"})
    scaling.transform_one(found, x)
    assert x.tolist() == pytest.approx(list(river.transform_one(found).values()))


def test_far_values_are_held_and_unknown_ones_stand_in_the_middle() -> None:
    features = of_groups(["harmony", "release"])
    scaling, x = Scaling(features), np.full(len(features), np.nan, np.float32)
    scaling.transform_one({"year": 1990.0}, x)
    assert x.tolist() == [0.5, 0.5, 0.5, 0.0, 0.0, 0.0], "nothing was learned, so nothing is known"
    for year in (1990.0, 1991.0):
        scaling.learn_one({"year": year, "mode": 1.0})
    before = scaling.state()
    scaling.transform_one({"year": 2100.0, "mode": 1.0}, x)
    assert x[4] == SCALED_MAX and x[5] == 0.0
    assert scaling.state() == before, "asking left a trace"


def test_a_scaling_goes_on_from_its_state() -> None:
    features = of_groups(GROUPS)
    one, other = Scaling(features), Scaling(features)
    one.learn_one({"year": 1990.0, "mode": 0.0})
    other.take(one.state())
    for scaling in (one, other):
        scaling.learn_one({"year": 1994.0, "mode": 1.0, "tempo": 120.0})
    assert one.state() == other.state()
    with pytest.raises(KeyError):
        Scaling(of_groups(["harmony"])).take(one.state())
