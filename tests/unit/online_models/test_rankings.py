"""Rankings wait for the next play of their user, as many as there is room for."""

from __future__ import annotations

import numpy as np
import pytest

from online_models.history import RANKING, new_users, reset
from online_models.rankings import give, new_rankings, place


def test_a_user_has_one_place_and_the_oldest_place_gives_way() -> None:
    rankings, users = new_rankings(3, 8), new_users(10, 1, 1)
    assert [give(rankings, users, s) for s in (4, 5, 6)] == [0, 1, 2]
    assert give(rankings, users, 5) == 1
    assert give(rankings, users, 7) == 0
    assert users.head[:, RANKING].tolist() == [0, 0, 0, 0, 0, 2, 3, 1, 0, 0]
    assert rankings.owner.tolist() == [7, 5, 6]


def test_a_slot_that_another_user_took_keeps_that_users_ranking() -> None:
    rankings, users = new_rankings(2, 8), new_users(4, 1, 1)
    assert give(rankings, users, 0) == 0
    reset(users, 0)
    assert give(rankings, users, 0) == 1
    assert give(rankings, users, 2) == 0, "the place of the user who went"
    assert users.head[[0, 2], RANKING].tolist() == [2, 1]


def test_only_candidates_of_this_ranking_are_found() -> None:
    rankings = new_rankings(1, 8)
    rankings.key[0, :3] = [7, 8, 9]
    rankings.n[0] = 2
    assert [place(rankings, 0, key) for key in (7, 8, 9, 0)] == [0, 1, -1, -1]


def test_room_is_in_eights() -> None:
    with pytest.raises(ValueError, match="no multiple of eight"):
        new_rankings(1, 9)
    assert np.array_equal(new_rankings(1, 8).n, [0])
