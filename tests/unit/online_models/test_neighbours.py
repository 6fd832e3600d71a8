"""A track's neighbours against a dictionary of counts; bounded, sorted, and blind to ids."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from online_models import neighbours
from online_models.neighbours import BEFORE, FRESH, GAPLESS, NEAR, NEXT, PEOPLE, SKIP_ONE, WINDOW, new_neighbours

SLOT = 1
Lesson = tuple[int, int, int, int, bool, int]


def some_lessons(n: int, n_tracks: int) -> list[Lesson]:
    """(side, dst, lag, at_s, gapless, person)."""
    rng = np.random.default_rng(3)
    column = [rng.integers(0, 2, n), rng.integers(1, n_tracks + 1, n), rng.integers(1, 11, n), np.arange(n) * 1_000]
    return list(zip(*(c.tolist() for c in column), (rng.random(n) < 0.5).tolist(), rng.integers(1, 4, n).tolist(), strict=True))


def learned(lessons: list[Lesson], entries: int) -> neighbours.Neighbours:
    row = new_neighbours(3, entries)
    for side, dst, lag, at_s, gapless, person in lessons:
        if side:
            neighbours.learn_after(row, SLOT, dst, lag, at_s, gapless, person)
        else:
            neighbours.learn_before(row, SLOT, dst, lag)
    return row


def counted(lessons: list[Lesson]) -> dict[int, np.ndarray]:
    counts: defaultdict[int, np.ndarray] = defaultdict(lambda: np.zeros(neighbours.N_COUNTS))
    last: dict[int, tuple[int, int]] = {}
    for side, dst, lag, at_s, gapless, person in lessons:
        c = counts[dst]
        c[WINDOW if side else BEFORE] += 1 / lag
        c[NEAR] += 0.9 ** (lag - 1)
        if side and lag == 1:
            then, who = last.get(dst, (0, 0))
            c[FRESH] = c[FRESH] * np.exp(-(at_s - then) / neighbours.FRESH_S) + 1
            c[[NEXT, GAPLESS, PEOPLE]] += [1, gapless, person != who]
            last[dst] = (at_s, person)
        if side and lag == 2:
            c[SKIP_ONE] += 1
    return counts


def test_counts_are_those_of_a_dictionary() -> None:
    lessons = some_lessons(2_000, 12)
    row, want = learned(lessons, 16), counted(lessons)
    assert row.n[SLOT] == len(want) == 12
    for e in range(12):
        assert row.counts[SLOT, e] == pytest.approx(want[int(row.dst[SLOT, e])], rel=1e-4)
    everything = sum(want.values())
    held = [NEXT, WINDOW, BEFORE, NEAR, SKIP_ONE, GAPLESS, PEOPLE]
    assert row.total[SLOT, held] == pytest.approx(np.asarray(everything)[held], rel=1e-4)
    assert not row.n[[0, 2]].any()


def test_the_strongest_come_first_and_a_new_one_takes_the_weakest_place() -> None:
    row = learned(some_lessons(3_000, 60), 8)
    strength = (row.counts[SLOT, :, WINDOW] + row.counts[SLOT, :, BEFORE]).tolist()
    assert row.n[SLOT] == 8
    assert strength == sorted(strength, reverse=True)
    weakest = int(row.dst[SLOT, 7])
    neighbours.learn_before(row, SLOT, 99, 10)
    assert 99 in row.dst[SLOT]
    assert weakest not in row.dst[SLOT]


def test_other_ids_make_the_same_row() -> None:
    lessons = some_lessons(3_000, 60)
    other = np.random.default_rng(4).permutation(61) + 1_000
    renamed = learned([(side, int(other[dst]), *rest) for side, dst, *rest in lessons], 8)  # type: ignore[misc]
    row = learned(lessons, 8)
    assert renamed.dst[SLOT].tolist() == other[row.dst[SLOT]].tolist()
    assert (renamed.counts == row.counts).all()
