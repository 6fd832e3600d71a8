"""Rankings wait for the next play of their user, as many as there is room for."""

from __future__ import annotations

import numpy as np
import pytest

from online_models.rankings import give, new_rankings, place


def test_a_user_has_one_place_and_the_oldest_place_gives_way() -> None:
    rankings = new_rankings(3, 8, 10)
    assert [give(rankings, s) for s in (4, 5, 6)] == [0, 1, 2]
    assert give(rankings, 5) == 1
    assert give(rankings, 7) == 0
    assert rankings.place_of.tolist() == [0, 0, 0, 0, 0, 2, 3, 1, 0, 0]
    assert rankings.owner.tolist() == [7, 5, 6]


def test_only_candidates_of_this_ranking_are_found() -> None:
    rankings = new_rankings(1, 8, 1)
    rankings.key[0, :3] = [7, 8, 9]
    rankings.n[0] = 2
    assert [place(rankings, 0, key) for key in (7, 8, 9, 0)] == [0, 1, -1, -1]


def test_room_is_in_eights() -> None:
    with pytest.raises(ValueError, match="no multiple of eight"):
        new_rankings(1, 9, 1)
    assert np.array_equal(new_rankings(1, 8, 1).n, [0])
