"""What sources read of the session in hand, and of what the user played before it."""

from __future__ import annotations

import numpy as np

from online_models import history
from online_models.hashmap import new_map, put
from online_models.history import new_users
from online_models.items import WINDOW
from online_models.moment import RECENT, Known, Moment, look, looked_at, new_moment, newest_past
from online_models.track_state import new_tracks

USER, FORGOTTEN = 1, 900


def at(past: list[int], of_session: int) -> tuple[Moment, Known]:
    """A user who played tracks `past`, of which the last `of_session` are this session's; all but FORGOTTEN are in slot track % 100."""
    keys, slots = new_map(256)
    users = new_users(2, 2, 2)
    users.head[USER, history.N_HISTORY] = len(past)
    users.head[USER, history.SESSION_N] = of_session
    users.track[USER, : len(past)] = past
    for track in {*past} - {FORGOTTEN}:
        put(keys, slots, track, track % 100)
    tracks = new_tracks(100, keys, slots, 1, 1, 1)
    known = Known(users=users, tracks=tracks, popular=np.zeros(0, np.int64), popular_weight=np.zeros(0, np.float32))
    moment = new_moment()
    moment.recent[:] = 77  # what the ranking before left there
    look(moment, known, USER)
    return moment, known


def test_the_session_is_its_last_distinct_tracks_and_the_rest_is_past() -> None:
    moment, known = at([105, 106, 101, 102, 103, 102], 4)
    n = int(moment.n[0])
    assert (moment.key[:n].tolist(), moment.slot[:n].tolist()) == ([102, 103, 101], [2, 3, 1])
    assert moment.recent.tolist() == [2, 3, 2, 1, 6, 5] + [-1] * (RECENT - 6)
    assert (looked_at(known.users, USER), newest_past(known.users, USER)) == (4, 1)


def test_a_long_session_is_past_behind_its_window() -> None:
    past = [101 + k for k in range(RECENT + 4)]
    moment, known = at(past, len(past))
    assert (int(moment.n[0]), looked_at(known.users, USER)) == (WINDOW, WINDOW)
    assert moment.recent.tolist() == [track % 100 for track in past[::-1][:RECENT]]
    assert known.users.track[USER, newest_past(known.users, USER)] == past[-1 - WINDOW]


def test_a_track_that_is_not_in_memory_has_no_slot() -> None:
    moment, _ = at([101, FORGOTTEN], 2)
    assert (moment.slot[:2].tolist(), moment.recent[:3].tolist()) == ([-1, 1], [-1, 1, -1])
