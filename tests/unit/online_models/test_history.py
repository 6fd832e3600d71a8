"""What a play changes in a user's row."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from online_models import history
from online_models.history import HISTORY, forget, has_played, heard, learn_play, new_users, play_flags, session_length
from online_models.items import FINISHED, SKIPPED


@pytest.mark.parametrize(
    ("ms_played", "duration_ms", "ended", "flags"),
    [
        (-1, -1, 0, 0),
        (-1, -1, 1, FINISHED),
        (1_000, 200_000, 1, FINISHED),
        (180_000, 200_000, 0, FINISHED),
        (179_999, 200_000, 0, 0),
        (29_999, -1, 2, SKIPPED),
        (30_000, -1, 2, 0),
        (29_999, 40_000, 2, 0),
        (10_000, 40_000, 0, SKIPPED),
    ],
)
def test_a_skip_is_short_and_not_half_heard(ms_played: int, duration_ms: int, ended: int, flags: int) -> None:
    assert play_flags(ms_played, duration_ms, ended) == flags


def test_who_played_a_track_is_never_told_that_they_did_not() -> None:
    users, rng = new_users(1, 2, 2), Random(2)
    played = [rng.getrandbits(62) | 1 for _ in range(4_000)]
    for i, track in enumerate(played):
        learn_play(users, 0, track, 1_000 * i, 1, 0, i)
    assert all(has_played(users, 0, track) for track in played)
    strangers = [rng.getrandbits(62) | 1 for _ in range(4_000)]
    assert sum(has_played(users, 0, track) for track in strangers) < 0.03 * len(strangers)


def test_the_history_keeps_the_newest_plays_in_order() -> None:
    users = new_users(1, 1, 1)
    for i in range(HISTORY + 30):
        learn_play(users, 0, 1 + i, 1_000 * i, 1, 0, i)
    assert users.track[0].tolist() == list(range(31, HISTORY + 31))
    assert users.head[0, history.PLAYS] == HISTORY + 30


def test_without_a_session_id_a_pause_of_half_an_hour_ends_the_session() -> None:
    users = new_users(1, 1, 1)
    minute = 60_000
    for at, n in ((0, 1), (29, 2), (58, 3), (88, 1)):
        learn_play(users, 0, 5, at * minute, 0, 0, at)
        assert users.head[0, history.SESSION_N] == n


@pytest.mark.parametrize(
    ("ms_played", "duration_ms", "sixteenths"),
    [(0, 200_000, 0), (6_250, 200_000, 1), (29_999, 60_001, 15), (29_999, -1, 15), (15_000, -1, 8), (1_874, 0, 0), (1_875, 0, 1)],
)
def test_of_a_skip_is_kept_how_much_of_half_the_track_was_heard(ms_played: int, duration_ms: int, sixteenths: int) -> None:
    assert heard(ms_played, duration_ms) == sixteenths


def listened(*tracks: int, session_of: int = 1) -> history.UserArrays:
    """A user who played `tracks`, events numbered from 1; the last `session_of` in one session, those before in another."""
    users = new_users(1, 1, 1)
    for i, track in enumerate(tracks):
        learn_play(users, 0, track, 60_000 * i, 7 if i < len(tracks) - session_of else 8, 0, (5 << 32) + i + 1)
    return users


def remembered(users: history.UserArrays) -> list[tuple[int, int, int]]:
    n = users.head[0, history.N_HISTORY]
    columns = users.track[0, :n], users.at_s[0, :n], users.event[0, :n]
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_a_forgotten_play_leaves_history_and_session_and_no_count() -> None:
    users = listened(11, 12, 13, 14, session_of=2)
    before = users.head[0].copy()
    forget(users, 0, 0, (9 << 32) + 3)
    assert remembered(users) == [(11, 0, 1), (12, 60, 2), (14, 180, 4)]
    assert users.head[0, history.SESSION_N] == 1 == session_length(users, 0)
    changed = np.flatnonzero(users.head[0] != before).tolist()
    assert changed == [history.SESSION_N, history.N_HISTORY]
    assert has_played(users, 0, 13)


def test_a_forgotten_play_of_an_earlier_session_leaves_this_one_as_it_is() -> None:
    users = listened(11, 12, 13, 14, session_of=2)
    forget(users, 0, 0, 1)
    assert [track for track, _, _ in remembered(users)] == [12, 13, 14]
    assert users.head[0, history.SESSION_N] == 2


def test_a_track_is_forgotten_with_every_play_of_it_and_a_session_without_plays_is_over() -> None:
    users = listened(11, 12, 11, 12, 12, session_of=2)
    forget(users, 0, 12, 0)
    assert [track for track, _, _ in remembered(users)] == [11, 11]
    assert (users.head[0, history.SESSION_N], users.head[0, history.LAST_FORGOTTEN]) == (0, 1)
    assert not learn_play(users, 0, 13, 5 * 60_000, 8, 0, 9)
    assert (users.head[0, history.SESSION_N], users.head[0, history.SESSIONS], users.head[0, history.LAST_FORGOTTEN]) == (1, 3, 0)


def test_of_a_session_longer_than_the_history_only_what_is_held_can_be_forgotten() -> None:
    users = listened(*([11] * 40), *([12] * HISTORY), session_of=40 + HISTORY)
    forget(users, 0, 12, 0)
    assert (remembered(users), users.head[0, history.SESSION_N], session_length(users, 0)) == ([], 40, 0)


def test_what_nobody_played_is_forgotten_without_a_trace() -> None:
    users = listened(11, 12)
    before = users.head[0].copy()
    for track, event in ((13, 0), (0, 77), (0, 0)):
        forget(users, 0, track, event)
    assert (users.head[0] == before).all() and len(remembered(users)) == 2
