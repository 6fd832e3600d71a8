"""The features of a play are finite whatever comes in, and mean what their names say."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from online_models.arrays import F32
from online_models.finish_features import FEATURES, N_FEATURES, N_TRACK, as_mapping, fill, fill_track, put_stranger, put_track
from online_models.model import VALUE_MAX

NOON_MS = 1_700_000_000_000 // 86_400_000 * 86_400_000 + 43_200_000

counts = st.integers(-(2**62), 2**62)
fill_in: Callable[..., None] = fill
"""`fill` as numba takes it: any numbers."""
odd = st.one_of(counts, st.floats(allow_nan=True, allow_infinity=True))


def features(*args: float) -> dict[str, float]:
    x = np.zeros(N_FEATURES, np.float32)
    fill_in(x, *args)
    return as_mapping(x)


def test_there_are_twelve_names_and_none_twice() -> None:
    assert len(set(FEATURES)) == N_FEATURES == 12


@settings(deadline=None)
@given(st.lists(odd, min_size=9, max_size=9), st.integers(-(2**62), 2**62))
def test_every_feature_is_finite_for_any_input(args: list[float], at_ms: int) -> None:
    x: F32 = np.full(N_FEATURES, np.nan, np.float32)
    fill_in(x, *(float(arg) for arg in args), at_ms)
    assert np.isfinite(x).all()
    assert (np.abs(x) <= VALUE_MAX).all(), "no lesson is refused for its own features"


@settings(deadline=None)
@given(st.lists(counts, min_size=9, max_size=9), st.integers(0, 2**43))
def test_whole_numbers_from_a_kernel_are_finite_too(args: list[int], at_ms: int) -> None:
    x: F32 = np.full(N_FEATURES, np.nan, np.float32)
    fill_in(x, *args, at_ms)
    assert np.isfinite(x).all()


def test_shares_start_at_the_prior_and_follow_the_evidence() -> None:
    nobody = features(0, 0, 0, 0, 0, 0, 0, 0, 0, NOON_MS)
    patient = features(1000, 0, 1000, 1000, 1000, 0, 0, 0, 0, NOON_MS)
    assert nobody["user_finish_share"] == pytest.approx(0.7)
    assert nobody["track_skip_share"] == pytest.approx(0.2)
    assert patient["user_finish_share"] > 0.99
    assert patient["track_skip_share"] > 0.99
    assert patient["track_finish_share"] < 0.01


def test_an_unknown_duration_is_zero_and_a_long_session_is_capped() -> None:
    x = features(1, 0, 1, 1, 0, 1, 1, 9_999, 0, NOON_MS)
    assert x["duration_log"] == 0.0
    assert x["session_position"] == 50.0
    assert x["known_to_user"] == 1.0
    assert features(1, 0, 1, 1, 0, 1, 0, 0, 180_000, NOON_MS)["duration_log"] == pytest.approx(np.log1p(180))


def test_the_hour_is_a_point_on_a_circle() -> None:
    noon, midnight = features(*[0] * 9, NOON_MS), features(*[0] * 9, NOON_MS - 43_200_000)
    assert (noon["hour_sin"], noon["hour_cos"]) == pytest.approx((0.0, -1.0), abs=1e-6)
    assert (midnight["hour_sin"], midnight["hour_cos"]) == pytest.approx((0.0, 1.0), abs=1e-6)


def test_putting_a_track_gives_what_filling_all_gives() -> None:
    whole, put, part = np.zeros(N_FEATURES, np.float32), np.zeros(N_FEATURES, np.float32), np.zeros(N_TRACK, np.float32)
    fill(whole, 9, 2, 5, 40, 4, 30, 1, 3, 200_000, NOON_MS)
    fill(put, 9, 2, 5, 1, 1, 0, 0, 3, 1_000, NOON_MS)
    fill_track(part, 40, 4, 30, 200)
    put_track(put, part, 1)
    assert whole.tobytes() == put.tobytes()


def test_putting_a_stranger_gives_what_filling_without_counts_gives() -> None:
    whole, put = np.zeros(N_FEATURES, np.float32), np.zeros(N_FEATURES, np.float32)
    fill(whole, 9, 2, 5, 0, 0, 0, 0, 3, 0, NOON_MS)
    fill(put, 9, 2, 5, 7, 1, 0, 1, 3, 1_000, NOON_MS)
    put_stranger(put, 0)
    assert whole.tobytes() == put.tobytes()
