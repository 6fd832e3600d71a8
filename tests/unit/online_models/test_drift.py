"""A fall of the hit rate is seen soon and told of once; it opens the ranker's steps, and what was learned stays."""

from __future__ import annotations

import numpy as np
import pytest
from river.drift import ADWIN

from online_models import drift
from online_models.drift import HOLD_PLAYS, MEAN_OF, REOPENED_PLAYS, SPREAD, Adwin, Change, Watched
from online_models.weights import Weights, encode, new_weights, reopen

STEADY_N = 60_000


def hits(seed: int, *parts: tuple[int, float]) -> list[float]:
    rng = np.random.default_rng(seed)
    return [float(hit) for n, p in parts for hit in rng.random(n) < p]


def changes(values: list[float], chunk: int = 500) -> list[tuple[int, Change]]:
    """Place of each, and what was told."""
    window, found = Adwin(), []
    for a in range(0, len(values), chunk):
        found += [(a + change.at, change) for change in window.learn_many(values[a : a + chunk])]
    return found


def test_chance_raises_no_alarm() -> None:
    assert [changes(hits(seed, (STEADY_N, 0.5))) for seed in range(3)] == [[], [], []]


@pytest.mark.parametrize(("to", "within"), [(0.4, 3_000), (0.3, 1_500), (0.65, 2_000)])
def test_a_change_is_seen_soon_and_told_of_once(to: float, within: int) -> None:
    for seed in range(3):
        ((at, change),) = changes(hits(seed, (20_000, 0.5), (5_000, to)))
        assert 20_000 <= at < 20_000 + within
        assert change.is_fall is (to < 0.5)
        assert change.before == pytest.approx(0.5, abs=0.05) and change.lately == pytest.approx(to, abs=0.1)


def test_it_does_not_matter_where_the_values_were_cut() -> None:
    values = hits(7, (20_000, 0.5), (5_000, 0.3), (5_000, 0.6))
    told = changes(values)
    assert len(told) == 2
    for chunk in (1, 33, 99, 100, 101, 30_000):
        assert [(at, change._replace(at=0)) for at, change in changes(values, chunk)] == [(at, c._replace(at=0)) for at, c in told]


def test_it_is_rivers_own_window() -> None:
    """The kernel's name is private: what it does is held to the class that River shows."""
    values = hits(3, (20_000, 0.5), (5_000, 0.3), (5_000, 0.6))
    river = ADWIN(
        delta=drift.CONFIDENCE,
        clock=1,
        max_buckets=drift.BUCKETS_MAX,
        min_window_length=drift.PART_MIN,
        grace_period=drift.GRACE,
    )
    seen = []
    for n, mean in enumerate(np.reshape(values, (-1, MEAN_OF)).mean(axis=1).tolist(), 1):
        river.update(SPREAD * mean)
        if river.drift_detected:
            seen.append((n * MEAN_OF - 1, round(river.estimation / SPREAD, 12)))
    assert [(at, round(change.after, 12)) for at, change in changes(values)] == seen
    assert len(seen) == 2


def test_the_mean_before_is_that_of_what_was_given_up() -> None:
    values = hits(5, (20_000, 0.5), (5_000, 0.2))
    ((at, change),) = changes(values)
    means = np.reshape(values, (-1, MEAN_OF)).mean(axis=1)[: at // MEAN_OF + 1]
    kept = next(n for n in range(len(means)) if means[n:].mean() == pytest.approx(change.after, abs=1e-12))
    assert change.before == pytest.approx(means[:kept].mean())


def learned(lessons: int) -> Weights:
    w = new_weights()
    for array in (*w.gate, *w.bilinear):
        array += np.random.default_rng(1).random(array.shape, np.float32) * np.float32(lessons)
    w.lessons[0] = lessons
    return w


def test_reopened_steps_are_as_large_as_after_fewer_plays_and_nothing_is_forgotten() -> None:
    w, before = learned(1_000_000), learned(1_000_000)
    reopen(w, 10_000, 1_000_000)
    for mine, theirs in ((w.gate, before.gate), (w.bilinear, before.bilinear)):
        assert np.array_equal(mine.weight, theirs.weight)
        assert np.allclose(mine.square, np.maximum(theirs.square / 100, mine.square.min()))
    assert int(w.lessons[0]) == 1_000_000, "who learned from more plays is still told by it"


def test_a_young_ranker_stays_as_it_is_and_no_square_falls_below_its_start() -> None:
    young, before = learned(500), encode(learned(500))
    reopen(young, 10_000, 500)
    assert encode(young) == before
    old, fresh = new_weights(), new_weights()
    reopen(old, 1, 1_000_000_000)
    assert encode(old) == encode(fresh)


class Falls:
    """A measure that falls at every value."""

    def learn_many(self, values: list[float]) -> list[Change]:
        return [Change(at, 0.5, 0.4, 0.3) for at in range(len(values))]


def watched(w: Weights) -> Watched:
    watch = Watched(w)
    watch.measure = Falls()  # type: ignore[assignment]
    return watch


def test_while_what_is_new_is_learned_a_second_alarm_says_nothing_new() -> None:
    w = learned(1_000_000)
    watch = watched(w)
    assert len(watch.judge([0.0, 0.0])) == 1
    once = encode(w)
    w.lessons[0] += HOLD_PLAYS - 1
    assert watch.judge([0.0]) == []
    assert encode(w)[16:] == once[16:]
    w.lessons[0] += 1
    assert len(watch.judge([0.0])) == 1


def test_a_second_alarm_knows_what_the_first_took_away() -> None:
    """The steps grew to those of REOPENED_PLAYS, and shrank over the plays since: of these a share is taken, not of all that ever were."""
    w = learned(1_000_000)
    watch = watched(w)
    watch.judge([0.0])
    before = w.gate.square.copy()
    w.lessons[0] += REOPENED_PLAYS
    watch.judge([0.0])
    assert np.allclose(w.gate.square, before / 2)


def test_a_rise_changes_nothing() -> None:
    w = learned(1_000_000)
    watch, before = Watched(w), encode(w)
    assert watch.judge(hits(1, (20_000, 0.3), (5_000, 0.6))) == []
    assert encode(w) == before
    assert watch.judge(hits(2, (20_000, 0.6), (5_000, 0.3))) != []
    assert encode(w) != before
