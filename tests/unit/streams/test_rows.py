"""Rows survive the way to Redis and back, byte for byte; what is no row is refused."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from online_models.fatigue import note, show
from online_models.history import (
    FOR_EVER,
    MARKS,
    N_HIDDEN,
    N_MARKS,
    N_OFFERED,
    N_PASSED,
    PASSED,
    PAUSED,
    SEEN,
    learn_play,
    remember_event,
)
from online_models.items import ITEM
from online_models.marks import BLOCK, DISLIKE, ENDED, LIKE, decide, verdict
from online_models.presets import PRESETS
from online_models.rank import new_lists
from online_models.track_state import apply_items
from streams.decisions import decisions
from streams.track_rows import TrackRows
from streams.user_rows import ROW_BYTES_MAX, BadRow, UserRows

FAST, QUALITY = PRESETS["fast"], PRESETS["quality"]


KINDS = {"like": LIKE, "dislike": DISLIKE, "block": BLOCK}


def listener(rows: UserRows, n_plays: int, n_tracks: int) -> None:
    """A user in slot `slot_of["ana"]` with some of everything."""
    rows.make_room(1, 1, 1)
    rows.load("ana", 0, None)
    slot, rng, lists = rows.slot_of["ana"], Random(n_plays), new_lists(2)
    for i in range(n_plays):
        remember_event(rows.arrays, slot, i + 1, 7 if i % 3 else 0, i)
        learn_play(rows.arrays, slot, 1 + rng.randrange(n_tracks) * 0x9E3779B97F4A7, 1_000_000 * i, i // 9, i % 3, i, i % 2 * 0x7654321)
        if i % 2:
            lists.track[1], lists.length[1] = np.arange(i, i + 20) * 0x9E3779B97F4A7, min(i, 20)
            show(rows.arrays, slot, lists, 0)
            note(rows.arrays, slot, i, 1_000_000 * i, 0.1, 0.1)
    for i in range(n_plays // 2):
        kind = rng.choice((LIKE, DISLIKE, BLOCK))
        decide(rows.arrays, slot, 99 + i, kind, rng.choice((FOR_EVER, 10**6)) if kind == BLOCK else FOR_EVER, i, 1_000)


@pytest.mark.parametrize(("n_plays", "n_tracks"), [(0, 1), (1, 1), (30, 20), (101, 5), (400, 350), (3_000, 2_500)])
def test_a_user_row_comes_back_as_it_was(n_plays: int, n_tracks: int) -> None:
    rows, other = UserRows(16), UserRows(16)
    listener(rows, n_plays, n_tracks)
    (row,) = rows.encode(rows.slots(["ana"]))
    other.load("ana", 3, row)
    assert other.encode(other.slots(["ana"])) == [row]
    listener_again = 12_345
    for r in (rows, other):
        learn_play(r.arrays, r.slot_of["ana"], listener_again, 10**13, 1, 0, 5)
    assert other.encode(other.slots(["ana"])) == rows.encode(rows.slots(["ana"]))


def test_a_row_from_before_fatigue_is_read_and_written_anew() -> None:
    rows, other = UserRows(16), UserRows(16)
    listener(rows, 40, 30)
    slot, a = rows.slot_of["ana"], rows.arrays
    n_offered, n_passed = a.head[slot, [N_OFFERED, N_PASSED]].tolist()
    assert n_offered == SEEN and n_passed > SEEN
    (row,) = rows.encode(rows.slots(["ana"]))
    old = b"\3" + row[1 : -2 - 4 * n_offered - 6 * n_passed]
    other.load("ana", 0, old)
    assert other.arrays.head[other.slot_of["ana"], [N_OFFERED, N_PASSED]].tolist() == [0, 0]
    assert other.encode(other.slots(["ana"])) == [b"\4" + old[1:] + bytes(2)]
    assert decisions(old) == decisions(row)


def test_a_row_stays_small() -> None:
    rows = UserRows(16)
    listener(rows, 200, 200)
    (row,) = rows.encode(rows.slots(["ana"]))
    assert len(row) < 4_500
    a, slot = rows.arrays, rows.slot_of["ana"]
    a.head[slot, [N_OFFERED, N_PASSED]] = 0
    assert len(row) - len(rows.encode(rows.slots(["ana"]))[0]) <= 4 * SEEN + 6 * PASSED


@pytest.mark.parametrize(
    "spoil", [lambda row: b"", lambda row: row[:-1], lambda row: row + b"x", lambda row: b"\x01" + row[1:], lambda row: b"\3" + row[1:]]
)
def test_what_is_no_row_is_refused(spoil: object) -> None:
    rows = UserRows(16)
    listener(rows, 40, 30)
    (row,) = rows.encode(rows.slots(["ana"]))
    with pytest.raises(BadRow, match="user 'ben'"):
        rows.load("ben", 0, spoil(row))  # type: ignore[operator]


def test_the_largest_row_fits_the_room_that_is_promised() -> None:
    rows = UserRows(16)
    listener(rows, 6_000, 3_200)
    assert rows.arrays.head[rows.slot_of["ana"], [N_MARKS, N_HIDDEN]].tolist() >= [MARKS, 1]
    (row,) = rows.encode(rows.slots(["ana"]))
    assert ROW_BYTES_MAX - 3_000 < len(row) <= ROW_BYTES_MAX


def test_a_command_reads_what_a_kernel_wrote() -> None:
    rows = UserRows(16)
    listener(rows, 60, 20)
    slot, a = rows.slot_of["ana"], rows.arrays
    found = decisions(rows.encode(rows.slots(["ana"]))[0])
    assert found is not None and (found.paused, found.n_hidden, len(found.decided)) == (False, 0, 30)
    assert [decision.track for decision in found.decided] == a.mark_track[slot, :30].tolist()
    assert {decision.kind for decision in found.decided} == {"like", "dislike", "block"}
    assert {decision.until_s for decision in found.decided} == {None, 10**6}
    a.head[slot, PAUSED] = 1
    rows.load("ben", 0, rows.encode(rows.slots(["ana"]))[0])
    decide(a, rows.slot_of["ben"], found.decided[-1].track, BLOCK, ENDED, 7, 1_000)
    listener(rows, 200, 20)
    for user, paused in (("ben", True), ("ana", False)):
        told = decisions(rows.encode(rows.slots([user]))[0])
        assert told is not None and told.paused is paused
        held = {track: verdict(a, rows.slot_of[user], track, 10**9) for track in range(99, 200)}
        standing = {decision.track: KINDS[decision.kind] for decision in told.standing(10**6)}
        assert all(held[track] == kind for track, kind in standing.items())
        assert told.n_hidden or standing == {track: kind for track, kind in held.items() if kind}
    assert decisions(b"") is None is decisions(b"\2" + bytes(400))


def test_the_least_recently_used_row_gives_way() -> None:
    rows = UserRows(16)
    for i in range(40):
        rows.make_room(1, i + 1, 1)
        rows.load(f"u{i}", 0, None)
        rows.touched[rows.slots([f"u{i}"])] = i + 1
    assert len(rows) <= 16
    assert "u39" in rows.slot_of and "u0" not in rows.slot_of


def test_a_heavy_listener_who_gives_way_gives_the_tiers_back() -> None:
    rows = UserRows(16)
    for _ in range(30):
        listener(rows, 600, 500)
        rows.drop_partition(0)
    assert rows.arrays.free_2[0] == len(rows.arrays.tier_2) - 1


def test_a_track_row_comes_back_as_it_was() -> None:
    rows, other, rng = TrackRows(256, FAST), TrackRows(256, FAST), Random(3)
    for track in range(1, 101):
        rows.load(track, 0, f"t{track}", None, -1)
    items = np.zeros(5_000, ITEM)
    for i in range(len(items)):
        items[i] = (rng.randrange(1, 101), rng.randrange(1, 101), i, rng.randrange(1 << 22), i % 300, i % 4, rng.randrange(16), 0)
    apply_items(rows.arrays, items, np.zeros(len(items), np.int32))
    tracks = np.arange(1, 101)
    encoded = rows.encode(rows.slots(tracks))
    for track, row in zip(tracks.tolist(), encoded, strict=True):
        other.load(track, 0, f"t{track}", row, -1)
    assert other.encode(other.slots(tracks)) == encoded


def test_a_row_of_the_larger_preset_keeps_its_strongest_neighbours_and_its_newest_visits_and_listeners() -> None:
    large, small = TrackRows(16, QUALITY), TrackRows(16, FAST)
    large.load(1, 0, "t1", None, -1)
    items = np.zeros(900, ITEM)
    for i in range(len(items)):
        items[i] = (1, 2 + i % 100, i, 50 + i + (i << 16), 3, i % 3, 0, 0)
    apply_items(large.arrays, items, np.zeros(len(items), np.int32))
    (row,) = large.encode(large.slots(np.array([1])))
    small.load(1, 0, "t1", row, -1)
    a, b = large.arrays, small.arrays
    (s,), (t,) = large.slots(np.array([1])), small.slots(np.array([1]))
    assert b.neighbours.n[t] == FAST.neighbours < a.neighbours.n[s]
    assert (b.neighbours.dst[t] == a.neighbours.dst[s, : FAST.neighbours]).all()
    assert (b.neighbours.counts[t] == a.neighbours.counts[s, : FAST.neighbours]).all()
    newest = [a.visits.tag[s, (a.visits.n[s] - 1 - back) % QUALITY.visits] for back in range(FAST.visits)]
    assert [b.visits.tag[t, (b.visits.n[t] - 1 - back) % FAST.visits] for back in range(FAST.visits)] == newest
    people = [a.listeners.tag[s, (a.listeners.n[s] - 1 - back) % QUALITY.listeners] for back in range(FAST.listeners)]
    assert [b.listeners.tag[t, (b.listeners.n[t] - 1 - back) % FAST.listeners] for back in range(FAST.listeners)] == people


def test_dirty_track_rows_never_give_way() -> None:
    rows = TrackRows(32, FAST)
    for track in range(1, 17):
        rows.load(track, 0, f"t{track}", None, -1)
    rows.dirty[rows.slots(np.arange(1, 9))] = True
    for track in range(100, 130):
        rows.make_room(1, track)
        rows.load(track, 0, f"t{track}", None, -1)
    assert (rows.slots(np.arange(1, 9)) >= 0).all()
