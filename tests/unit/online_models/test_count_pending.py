"""Every question gets the label that its days brought, once, however the queue was stopped and started."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from online_models.counts.features import N_FEATURES
from online_models.counts.pending import DAY_MS, HORIZONS_MS, N_HORIZONS, Pending
from online_models.model import BadSnapshot


class Step(NamedTuple):
    """Time goes on by `hours`; then a play, whose time lies `late_hours` back, or a question about tracks 0 to `tracks` - 1."""

    hours: int
    user: int
    track: int
    late_hours: int
    tracks: int


STEPS = st.lists(
    st.builds(
        Step,
        hours=st.sampled_from([0, 1, 24, 7 * 24, 30 * 24]),
        user=st.integers(0, 2),
        track=st.integers(0, 3),
        late_hours=st.sampled_from([0, 0, 0, 1, 200]),
        tracks=st.integers(0, 3),
    ),
    max_size=40,
)
HOUR_MS = DAY_MS // 24


def told(queue: Pending, steps: list[Step], cuts: set[int], capacity: int) -> tuple[list[tuple[object, ...]], Pending]:
    """All that ripens, as (horizon, number, user, track, plays); at each of `cuts` the queue is written and read again."""
    now_ms, found = 0, list[tuple[object, ...]]()
    for n, step in enumerate(steps):
        if n in cuts:
            queue = Pending.restore(queue.snapshot())
        now_ms += step.hours * HOUR_MS
        for ripe in queue.ripe(now_ms):
            for i in range(len(ripe.plays)):
                found.append((ripe.horizon, ripe.first + i, int(ripe.user[i]), int(ripe.track[i]), float(ripe.plays[i])))
        if step.tracks:
            k = step.tracks
            queue.ask(step.user, np.arange(k, dtype=np.int32), np.zeros((k, N_FEATURES), np.float32), np.zeros((k, N_HORIZONS)), now_ms)
        else:
            queue.count(step.user, step.track, now_ms - step.late_hours * HOUR_MS)
    return found, queue


def expected(steps: list[Step], capacity: int) -> list[tuple[object, ...]]:
    """The same, by looking at everything again for each question."""
    now_ms, at = 0, list[int]()
    for step in steps:
        now_ms += step.hours * HOUR_MS
        at.append(now_ms)
    asked = list[tuple[int, int, int]]()
    for n, step in enumerate(steps):
        waiting = sum(at[m] + HORIZONS_MS[-1] >= at[n] for m, _, _ in asked)
        if waiting + step.tracks <= capacity:
            asked += [(n, step.user, track) for track in range(step.tracks)]
    found = list[tuple[object, ...]]()
    for h, horizon_ms in enumerate(HORIZONS_MS):
        for number, (n, user, track) in enumerate(asked):
            if not steps or at[n] + horizon_ms >= at[-1]:
                continue
            plays = [
                at[m] - step.late_hours * HOUR_MS
                for m, step in enumerate(steps)
                if m > n and not step.tracks and (step.user, step.track) == (user, track) and at[m] <= at[n] + horizon_ms
            ]
            found.append((h, number, user, track, float(sum(at[n] <= play <= at[n] + horizon_ms for play in plays))))
    return found


@given(steps=STEPS, cuts=st.sets(st.integers(0, 40)), capacity=st.sampled_from([0, 4, 7, 100]))
def test_each_question_is_answered_once_by_what_its_days_brought(steps: list[Step], cuts: set[int], capacity: int) -> None:
    undisturbed, whole = told(Pending(capacity), steps, set(), capacity)
    again, restarted = told(Pending(capacity), steps, cuts, capacity)
    assert sorted(undisturbed, key=repr) == sorted(expected(steps, capacity), key=repr)
    assert again == undisturbed and restarted.snapshot() == whole.snapshot()


@pytest.mark.parametrize(("late_ms", "plays"), [(DAY_MS + 1, 0.0), (DAY_MS, 1.0), (0, 1.0)])
def test_a_late_play_counts_for_what_was_asked_before_its_own_time(late_ms: int, plays: float) -> None:
    queue = Pending(8)
    queue.ask(1, np.array([1], np.int32), np.zeros((1, N_FEATURES), np.float32), np.zeros((1, N_HORIZONS)), 5 * DAY_MS)
    queue.count(1, 1, 6 * DAY_MS - late_ms)
    assert queue.ripe(13 * DAY_MS)[0].plays.tolist() == [plays]


def test_a_full_queue_leaves_whole_questions_out_and_counts_them() -> None:
    queue = Pending(3)
    said, x = np.zeros((2, N_HORIZONS)), np.zeros((2, N_FEATURES), np.float32)
    assert queue.ask(1, np.array([4, 5], np.int32), x, said, 0)
    assert not queue.ask(2, np.array([4, 5], np.int32), x, said, 0)
    assert (queue.n_asked, queue.n_left_out, queue.n_waiting) == (2, 2, 2)


def test_who_has_nothing_waiting_is_forgotten() -> None:
    queue = Pending(8)
    for user in range(8):
        queue.ask(user, np.array([1], np.int32), np.zeros((1, N_FEATURES), np.float32), np.zeros((1, N_HORIZONS)), user * DAY_MS)
    queue.ripe(32 * DAY_MS)
    assert queue.n_waiting == 6 and sorted(queue._newest) == [2, 3, 4, 5, 6, 7]


def test_torn_parts_are_refused() -> None:
    queue = Pending(8)
    queue.ask(1, np.array([1, 2], np.int32), np.zeros((2, N_FEATURES), np.float32), np.zeros((2, N_HORIZONS)), 0)
    parts = queue.snapshot()
    torn = [
        {},
        {**parts, "rows": parts["rows"][:-1]},
        {**parts, "rows": parts["rows"][: len(parts["rows"]) // 2]},
        {**parts, "meta": b"[]"},
    ]
    torn.append({**parts, "meta": parts["meta"].replace(b'"capacity":8', b'"capacity":1')})
    for broken in torn:
        with pytest.raises(BadSnapshot):
            Pending.restore(broken)
