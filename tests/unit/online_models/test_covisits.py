"""Next-tables against a plain dictionary that does the same by the book."""

from __future__ import annotations

from random import Random

import numpy as np

from online_models import covisits
from online_models.covisits import ENTRIES, N_ENTRIES, TrackArrays, apply_items, new_tracks
from online_models.hashmap import new_map, put
from online_models.items import ITEM
from online_models.popularity import TOP, update_top

SRC = 17


def one_row() -> TrackArrays:
    keys, slots = new_map(512)
    for slot, track in enumerate(range(SRC, SRC + 400)):
        put(keys, slots, track, slot)
    return new_tracks(400, keys, slots)


def transitions(rows: list[tuple[int, int, int]]) -> np.ndarray:
    items = np.zeros(len(rows), ITEM)
    for i, (dst, weight, at_s) in enumerate(rows):
        items[i] = (SRC, dst, at_s, weight, 1, 0, 0, 0)
    return items


def by_the_book(rows: list[tuple[int, int, int]]) -> dict[int, tuple[int, int, int]]:
    """dst -> (weight, times, newest)."""
    table: dict[int, tuple[int, int, int]] = {}
    for dst, weight, at_s in rows:
        if dst in table:
            w, n, at = table[dst]
            if w + weight > 0:
                table[dst] = (w + weight, n + 1, max(at, at_s))
            else:
                del table[dst]
        elif weight > 0:
            if len(table) == ENTRIES:
                del table[min(table, key=lambda d: (table[d][0], table[d][2], d))]
            table[dst] = (weight, 1, at_s)
    return table


def held(t: TrackArrays) -> dict[int, tuple[int, int, int]]:
    n = int(t.head[0, N_ENTRIES])
    columns = (t.dst[0, :n], t.weight[0, :n], t.times[0, :n], t.at_s[0, :n])
    return {d: (w, c, a) for d, w, c, a in zip(*(column.tolist() for column in columns), strict=True)}


def test_a_table_is_what_the_book_says_also_when_it_overflows() -> None:
    for seed in range(20):
        rng = Random(seed)
        rows = [
            (100 + int(rng.paretovariate(0.6)) % 250, rng.choice((2520, 1260, 504, -1260, -252)), rng.randrange(50)) for _ in range(1500)
        ]
        t = one_row()
        apply_items(t, transitions(rows), np.zeros(len(rows), np.int32))
        assert held(t) == by_the_book(rows), f"seed {seed}"


def test_entries_stand_strongest_first() -> None:
    t = one_row()
    rows = [(100 + i % 30, 2520 // (1 + i % 7), i) for i in range(500)]
    apply_items(t, transitions(rows), np.zeros(len(rows), np.int32))
    weights = t.weight[0, : int(t.head[0, N_ENTRIES])]
    assert (np.diff(weights) <= 0).all()


def test_totals_count_also_what_the_table_forgot() -> None:
    t = one_row()
    rows = [(100 + i, 2520, i) for i in range(200)]
    apply_items(t, transitions(rows), np.zeros(len(rows), np.int32))
    assert t.head[0, covisits.TRANSITIONS] == 200
    assert t.head[0, covisits.WEIGHT] == 200 * 2520


def test_the_popular_list_is_the_best_of_all_rows() -> None:
    rng = Random(5)
    t = one_row()
    slot_hash = np.arange(SRC, SRC + 400)
    top, score, n = np.zeros(TOP, np.int64), np.zeros(TOP), 0
    for k in range(60):
        items = np.zeros(50, ITEM)
        for i in range(50):
            items[i] = (0, SRC + int(rng.paretovariate(0.5)) % 400, k * 86_400 + rng.randrange(86_400), 0, 0, 0, 0, 0)
        touched = np.zeros(50, np.int32)
        apply_items(t, items, touched)
        n = update_top(t, np.unique(touched), slot_hash, top, score, n)
    played = [s for s in range(400) if t.popular[s] > 0]
    best = sorted(played, key=lambda s: -covisits.popularity_log2(t, s))[:TOP]
    assert top[:n].tolist() == [SRC + s for s in best]
