"""A track's row as the fold of items: the oracle's own fold must come to the same, bit by bit."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from online_models import track_state
from online_models.arrays import Items
from online_models.hashmap import new_map, put
from online_models.items import BEFORE, GAPLESS, ITEM
from online_models.popularity import TOP, update_top
from online_models.presets import PRESETS
from online_models.track_state import TrackArrays, apply_items, new_tracks
from streams.track_rows import TrackRows
from tests.oracle.rows import TrackRow, track_row
from tests.oracle.tables import Track
from tests.oracle.tracks import _near_difference, _rest_difference

SRC = 17
FAST = PRESETS["fast"]


def rows_of(n: int) -> TrackArrays:
    keys, slots = new_map(512)
    for slot, track in enumerate(range(SRC, SRC + n)):
        put(keys, slots, track, slot)
    return new_tracks(n, keys, slots, FAST.neighbours, FAST.visits, FAST.listeners)


def some_items(rng: Random, n: int) -> Items:
    """Plays of SRC in sessions that come back, and what stood around them: more neighbours, visits and listeners than there is room for."""
    items = np.zeros(n, ITEM)
    for i in range(n):
        other, lag = SRC + int(rng.paretovariate(0.6)) % 250, rng.randrange(0, 11)
        flags = rng.choice((0, 1, 2)) | rng.choice((0, GAPLESS)) | (rng.choice((0, BEFORE)) if lag else 0)
        session, detail = rng.choice((0, *(100 + k + (k % 90 << 16) for k in range(180)))), rng.randrange(5)
        items[i] = (SRC, other if lag else 0, 1_400_000_000 + i * 60, session, detail, lag, flags, 0)
    return items


def folded_by_the_oracle(items: Items) -> Track:
    track = Track()
    for src, dst, at_s, session, detail, lag, flags, _ in items.tolist():
        track.take((src, dst, at_s, session, detail, lag, flags, b""))
    return track


def row_of(items: Items) -> TrackRow:
    rows = TrackRows(16, FAST)
    rows.load(SRC, 0, "t", None, -1)
    apply_items(rows.arrays, items, np.zeros(len(items), np.int32))
    return track_row(rows.encode(rows.slots(np.array([SRC])))[0])


@pytest.mark.parametrize("seed", range(10))
def test_a_row_is_what_the_oracle_folds_also_when_it_overflows(seed: int) -> None:
    items = some_items(Random(seed), 3_500)
    row, track = row_of(items), folded_by_the_oracle(items)
    assert row[:6] == (track.plays, track.skips, track.finishes, track.followed, track.preceded, track.duration_s)
    assert len(row.near) == FAST.neighbours and len(row.visits) == FAST.visits
    assert len(row.listeners) == FAST.listeners
    assert _near_difference(track, row) or _rest_difference(track, row) == ""


def test_a_late_play_is_counted_and_opens_no_visit() -> None:
    items = np.array([(SRC, 0, 1, 0, 200, 0, 2, 0), (SRC, 0, 2, 7, 0, 0, 0, 0)], ITEM)
    row = row_of(items)
    assert (row.plays, row.finishes, row.duration_s) == (2, 1, 200)
    assert row.visits == [(7, (0,) * 10)]


def test_a_track_is_no_neighbour_of_itself() -> None:
    items = np.array([(SRC, SRC, 1, 7, 3, 1, 0, 0), (SRC, SRC, 1, 7, 3, 1, BEFORE, 0)], ITEM)
    row = row_of(items)
    assert (row.followed, row.preceded, row.near) == (1, 1, [])
    assert not any(row.totals) and not any(row.vector)


def test_the_popular_list_is_the_best_of_all_rows() -> None:
    rng = Random(5)
    t = rows_of(400)
    slot_hash = np.arange(SRC, SRC + 400)
    top, score, n = np.zeros(TOP, np.int64), np.zeros(TOP), 0
    for k in range(60):
        items = np.zeros(50, ITEM)
        for i in range(50):
            items[i] = (SRC + int(rng.paretovariate(0.5)) % 400, 0, k * 86_400 + rng.randrange(86_400), 0, 0, 0, 0, 0)
        touched = np.zeros(50, np.int32)
        apply_items(t, items, touched)
        n = update_top(t, np.unique(touched), slot_hash, top, score, n)
    played = [s for s in range(400) if t.popular[s] > 0]
    best = sorted(played, key=lambda s: -track_state.popularity_log2(t, s))[:TOP]
    assert top[:n].tolist() == [SRC + s for s in best]
