"""A track that is passed over again and again falls, others get its place, and it comes back when it was left alone."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from online_models import fatigue, rank
from online_models.arrays import F32
from online_models.artists import nobody_said
from online_models.hashmap import new_map, put
from online_models.history import LAST_AT, PLAYS, SEEN, UserArrays, new_users
from online_models.pool import meet, new_pool
from online_models.rank import LENGTH
from online_models.track_state import new_tracks

USER, ELSEWHERE, N_TRACKS = 1, 5, 60
STRENGTHS = st.floats(0.02, 0.9)
CHANCES = st.lists(st.floats(2.0**-10, 1.0, width=32), min_size=N_TRACKS, max_size=N_TRACKS)


class Pair(NamedTuple):
    """Both lists (keys) with the chances that they were sorted by."""

    next: dict[int, float]
    discover: dict[int, float]


class Listener:
    """Gets lists from the same chances again and again, and never plays what they show."""

    def __init__(self, chances: list[float], next_strength: float, discover_strength: float) -> None:
        self.users: UserArrays = new_users(2, 1, 1)
        self.keys = [int(key) for key in np.random.default_rng(1).integers(1, 2**62, len(chances))]
        self._chances: F32 = np.array(chances, np.float32)
        self._names = new_map(len(chances))
        for slot, key in enumerate(self.keys):
            put(*self._names, key, slot)
        self._strengths = next_strength, discover_strength
        self._lists, self._at_ms = rank.new_lists(2), 1_000
        self.users.head[USER, [PLAYS, LAST_AT]] = 1, self._at_ms

    def look(self) -> Pair:
        """Fresh lists, which are live from now on."""
        c, best = new_pool(), rank.new_best()
        for key, chance in zip(self.keys, self._chances, strict=True):
            c.chance[meet(c, key)] = chance
        fatigue.discount(c, self.users, USER, *self._strengths)
        rank.pick(
            c, self.users, USER, nobody_said(*self._names), new_tracks(1, *new_map(1), 1, 1, 1), rank.NO_CAP, best, np.zeros(4, np.int64)
        )
        listed, fresh = best.next[: best.n[0]], best.discover[: best.n[1]]
        for row, some in enumerate((listed, fresh)):
            self._lists.length[row] = len(some)
            self._lists.track[row, : len(some)] = c.key[some]
        fatigue.show(self.users, USER, self._lists, 0)
        return Pair(
            dict(zip(c.key[listed].tolist(), c.chance[listed].tolist(), strict=True)),
            dict(zip(c.key[fresh].tolist(), (c.chance * c.fresh)[fresh].tolist(), strict=True)),
        )

    def plays_elsewhere(self, *, lists_live: bool = True) -> None:
        if not lists_live:
            self._lists.length[:] = 0
            fatigue.show(self.users, USER, self._lists, 0)
        self._at_ms += 60_000
        fatigue.note(self.users, USER, ELSEWHERE, self._at_ms, *self._strengths)
        self.users.head[USER, [PLAYS, LAST_AT]] = 1, self._at_ms


@given(CHANCES, STRENGTHS, st.integers(1, 12))
def test_the_first_of_discover_falls_each_time_and_comes_back(chances: list[float], strength: float, n: int) -> None:
    listener = Listener(chances, 0.0, strength)
    before = listener.look()
    first, falling = next(iter(before.discover)), []
    for _ in range(n):
        listener.plays_elsewhere()
        falling.append(fatigue.kept(listener.users, USER, first, strength))
        made = listener.look()
        assert made.next == before.next, "`next` has a strength of its own"
        if next(iter(made.discover)) != first:
            break
        assert made.discover[first] < before.discover[first]
    assert falling == sorted(falling, reverse=True) and falling[0] <= 1 - strength + 1e-6
    for _ in range(80):
        listener.plays_elsewhere(lists_live=False)
    assert listener.look() == before


@given(CHANCES, STRENGTHS, STRENGTHS)
def test_lists_are_in_the_order_of_their_own_chances(chances: list[float], next_strength: float, discover_strength: float) -> None:
    listener = Listener(chances, next_strength, discover_strength)
    for _ in range(6):
        made = listener.look()
        for listed in made:
            assert len(listed) == LENGTH and list(listed.values()) == sorted(listed.values(), reverse=True)
        listener.plays_elsewhere()
    left = {
        key: chance * fatigue.kept(listener.users, USER, key, discover_strength) for key, chance in zip(listener.keys, chances, strict=True)
    }
    best = sorted(left.values(), reverse=True)[:LENGTH]
    assert np.allclose(list(listener.look().discover.values()), best, rtol=1e-4), "nothing better was left out"


@given(st.integers(2, 20))
def test_equals_take_turns(n: int) -> None:
    listener = Listener([0.5] * N_TRACKS, 0.0, 0.3)
    seen: set[int] = set()
    for _ in range(n):
        seen.update(list(listener.look().discover)[:SEEN])
        listener.plays_elsewhere()
    assert len(seen) >= min(n, 4) * SEEN
