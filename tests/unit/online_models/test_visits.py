"""A ring of the sessions that played a track, and what each played next."""

from __future__ import annotations

from online_models.items import WINDOW
from online_models.visits import begin, follow, new_visits

SLOT = 1


def test_each_session_is_followed_on_its_own_and_old_ones_give_way() -> None:
    visits = new_visits(2, 3)
    for tag in (11, 12, 13, 14):
        begin(visits, SLOT, tag)
    for tag in (11, 12, 14):  # 11 gave way: nobody takes what follows it
        for lag in (1, WINDOW):
            follow(visits, SLOT, tag, lag, (tag << 40) + lag)
    assert sorted(visits.tag[SLOT].tolist()) == [12, 13, 14]
    after = {int(tag): visits.after[SLOT, v].tolist() for v, tag in enumerate(visits.tag[SLOT])}
    assert after == {12: [1, *[0] * 8, WINDOW], 13: [0] * WINDOW, 14: [1, *[0] * 8, WINDOW]}


def test_a_session_that_comes_back_is_followed_from_its_newest_visit() -> None:
    visits = new_visits(2, 3)
    begin(visits, SLOT, 11)
    follow(visits, SLOT, 11, 1, 5)
    begin(visits, SLOT, 11)
    follow(visits, SLOT, 11, 1, 6)
    follow(visits, SLOT, 11, 1, 7)  # the lag of the older visit: the newest has its follower
    assert visits.after[SLOT, :2, 0].tolist() == [5, 6]
