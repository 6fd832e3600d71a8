"""What was shown and passed over: how it is noted, how it fades, what is left of a chance."""

from __future__ import annotations

import numpy as np
import pytest

from online_models import fatigue, history
from online_models.fatigue import ATTENTION, HALFLIFE_S, KEPT, LEAST, ONCE
from online_models.history import LAST_AT, N_OFFERED, N_PASSED, N_SHOWN, PASSED, PLAYS, SEEN, TAG, UserArrays, new_users
from online_models.pool import index, meet, new_pool

USER, ELSEWHERE = 1, 999
AT_ONCE = 0.0


def somebody() -> UserArrays:
    """In slot USER, with a play at 1 s."""
    users = new_users(3, 1, 1)
    users.head[USER, [PLAYS, LAST_AT]] = 1, 1_000
    return users


def shown(users: UserArrays, discover: list[int], next_: list[int] | None = None) -> None:
    """These lists are live."""
    users.head[USER, N_OFFERED] = min(len(discover), SEEN)
    users.offered[USER, : len(discover[:SEEN])] = [track & TAG for track in discover[:SEEN]]
    users.head[USER, N_SHOWN] = len(next_ or [])
    users.shown[USER, : len(next_ or [])] = next_ or []


def levels(users: UserArrays) -> dict[int, float]:
    n = users.head[USER, N_PASSED]
    return {int(tag): passed / ONCE for tag, passed in zip(users.passed_tag[USER, :n], users.passed[USER, :n], strict=True)}


def play(users: UserArrays, track: int, idle_s: float = AT_ONCE, next_strength: float = 0.0, discover_strength: float = 0.1) -> None:
    head = users.head[USER]
    at_ms = int(head[LAST_AT] + idle_s * 1_000)
    fatigue.note(users, USER, track, at_ms, next_strength, discover_strength)
    head[PLAYS], head[LAST_AT] = head[PLAYS] + 1, at_ms


def test_what_stood_above_the_play_was_passed_over_the_higher_the_more() -> None:
    users = somebody()
    shown(users, [11, 12, 13, 14])
    play(users, 13)
    assert levels(users) == pytest.approx({11: 1.0, 12: ATTENTION[1]}, abs=1e-3)
    assert users.head[0, N_PASSED] == users.head[2, N_PASSED] == 0


def test_all_that_is_looked_at_was_passed_over_by_a_play_from_elsewhere() -> None:
    users = somebody()
    shown(users, list(range(1, 21)))
    play(users, ELSEWHERE)
    assert levels(users) == pytest.approx({1 + j: ATTENTION[j] for j in range(SEEN)}, abs=1e-3)


def test_a_list_whose_strength_is_nothing_is_not_noted() -> None:
    users = somebody()
    shown(users, [11], [21])
    play(users, ELSEWHERE, next_strength=0.2, discover_strength=0.0)
    assert levels(users) == {21: 1.0}
    play(users, ELSEWHERE, next_strength=0.0, discover_strength=0.0)
    assert levels(users) == pytest.approx({21: KEPT}, abs=1e-3), "fades all the same"


def test_levels_add_up_and_fade_with_plays_and_with_time() -> None:
    users = somebody()
    shown(users, [11])
    play(users, ELSEWHERE)
    play(users, ELSEWHERE)
    assert levels(users)[11] == pytest.approx(1 + KEPT, abs=1e-3)
    shown(users, [])
    play(users, ELSEWHERE, idle_s=HALFLIFE_S)
    assert levels(users)[11] == pytest.approx((1 + KEPT) * KEPT / 2, abs=2e-3)
    for _ in range(60):
        play(users, ELSEWHERE)
    assert not levels(users)


def test_playing_a_track_clears_it_wherever_it_stood() -> None:
    users = somebody()
    shown(users, [11, 12, 13])
    play(users, ELSEWHERE)
    shown(users, [12, 13])
    play(users, 11)
    assert 11 not in levels(users) and levels(users)[12] > 1
    play(users, 12)
    assert set(levels(users)) == {13}


def test_the_least_passed_over_gives_way() -> None:
    users = somebody()
    for first in range(0, 10 * PASSED, SEEN):
        shown(users, list(range(1 + first, 1 + first + SEEN)))
        play(users, ELSEWHERE)
        assert users.head[USER, N_PASSED] <= PASSED
        assert levels(users)[1 + first] == 1.0, "the top of the newest list is always held"
    assert min(levels(users).values()) >= LEAST / ONCE


def test_a_level_has_an_end() -> None:
    users = somebody()
    shown(users, [11])
    for _ in range(200):
        play(users, ELSEWHERE)
    assert levels(users)[11] == pytest.approx(1 / (1 - KEPT), rel=0.01)


def test_each_list_loses_by_its_own_strength() -> None:
    users, c = somebody(), new_pool()
    track, other = 0x1234_5678_9ABC_DEF1, 7
    for key in (track, other):
        c.chance[meet(c, key)] = 0.5
    shown(users, [track])
    play(users, ELSEWHERE)
    play(users, ELSEWHERE)
    fatigue.discount(c, users, USER, 0.1, 0.3)
    level, i = 1 + KEPT, index(c, track)
    assert c.chance[i] == pytest.approx(0.5 * 0.9**level, rel=1e-3)
    assert c.chance[i] * c.fresh[i] == pytest.approx(0.5 * 0.7**level, rel=1e-3)
    assert fatigue.kept(users, USER, track, 0.3) == pytest.approx(0.7**level, rel=1e-3)
    assert (c.chance[index(c, other)], c.fresh[index(c, other)], fatigue.kept(users, USER, other, 0.3)) == (0.5, 1.0, 1.0)


def test_a_late_play_answers_no_list() -> None:
    users = somebody()
    shown(users, [11])
    fatigue.note(users, USER, ELSEWHERE, 999, 0.1, 0.1)
    assert not levels(users)
    fatigue.note(new_users(3, 1, 1), USER, ELSEWHERE, 999, 0.1, 0.1)


def test_an_erased_user_passed_nothing_over() -> None:
    users = somebody()
    shown(users, [11])
    play(users, ELSEWHERE)
    history.reset(users, USER)
    assert not levels(users) and users.head[USER, N_OFFERED] == 0


def test_half_of_a_level_is_gone_after_seven_plays() -> None:
    assert KEPT**7 < 0.5 < KEPT**6
    assert np.all(np.diff(ATTENTION) < 0) and ATTENTION[0] == 1.0
