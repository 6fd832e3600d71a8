"""A rise of a model's error is seen; chance and improvement are not; what watches goes on bit by bit after a restore."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from river.drift import PageHinkley

from online_models.error_drift import ENOUGH, GRACE, MEAN_OF, TOLERATED, ErrorDrift, Rise


def losses(seed: int, *parts: tuple[int, float]) -> list[float]:
    rng = np.random.default_rng(seed)
    return [float(loss) for n, mean in parts for loss in rng.gamma(2.0, mean / 2.0, n)]


def rises(values: list[float], drift: ErrorDrift | None = None) -> list[tuple[int, Rise]]:
    drift = drift or ErrorDrift()
    return [(n, rise) for n, loss in enumerate(values) if (rise := drift.learn_one(loss)) is not None]


def test_neither_chance_nor_improvement_raises_an_alarm() -> None:
    for seed in range(3):
        assert rises(losses(seed, (20_000, 0.55))) == []
        assert rises(losses(seed, (5_000, 0.69), (5_000, 0.5))) == []


def test_a_rise_is_seen_and_told_of_once() -> None:
    ((at, rise),) = rises(losses(1, (10_000, 0.55), (10_000, 1.0)))
    assert 10_000 <= at < 11_000
    assert rise.before == pytest.approx(0.55, abs=0.05) and rise.after == pytest.approx(1.0, abs=0.5)


def test_it_is_rivers_test_over_means() -> None:
    values = losses(2, (5_000, 0.55), (2_000, 1.2))
    river, seen = PageHinkley(min_instances=GRACE, delta=TOLERATED, threshold=ENOUGH, mode="up"), []
    for n, mean in enumerate(np.reshape(values, (-1, MEAN_OF)).sum(axis=1) / MEAN_OF, 1):
        river.update(float(mean))
        if river.drift_detected:
            seen.append(n * MEAN_OF - 1)
    assert [at for at, _ in rises(values)] == seen
    assert seen


def test_one_that_was_restored_anywhere_goes_on_to_the_last_bit() -> None:
    values = losses(3, (2_000, 0.55), (1_000, 1.4), (1_000, 0.6))
    whole = ErrorDrift()
    expected = rises(values, whole)
    assert expected
    for cut in (0, 1, MEAN_OF, 1_999, expected[0][0], expected[0][0] + 1, 3_333):
        first = ErrorDrift()
        before = rises(values[:cut], first)
        second = ErrorDrift.from_state(msgspec.json.decode(msgspec.json.encode(first.state())))
        after = [(cut + n, rise) for n, rise in rises(values[cut:], second)]
        assert before + after == expected
        assert second.state() == whole.state()


@pytest.mark.parametrize("state", [{}, {"values": 1.0}, {**ErrorDrift().state(), "mean": "x"}, {**ErrorDrift().state(), "open": None}])
def test_what_is_no_state_is_refused(state: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        ErrorDrift.from_state(state)
