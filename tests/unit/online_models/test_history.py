"""What a play changes in a user's row."""

from __future__ import annotations

from random import Random

import pytest

from online_models import history
from online_models.history import HISTORY, has_played, learn_play, new_users, play_flags
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
        learn_play(users, 0, track, 1_000 * i, 1, 0)
    assert all(has_played(users, 0, track) for track in played)
    strangers = [rng.getrandbits(62) | 1 for _ in range(4_000)]
    assert sum(has_played(users, 0, track) for track in strangers) < 0.03 * len(strangers)


def test_the_history_keeps_the_newest_plays_in_order() -> None:
    users = new_users(1, 1, 1)
    for i in range(HISTORY + 30):
        learn_play(users, 0, 1 + i, 1_000 * i, 1, 0)
    assert users.track[0].tolist() == list(range(31, HISTORY + 31))
    assert users.head[0, history.PLAYS] == HISTORY + 30


def test_without_a_session_id_a_pause_of_half_an_hour_ends_the_session() -> None:
    users = new_users(1, 1, 1)
    minute = 60_000
    for at, n in ((0, 1), (29, 2), (58, 3), (88, 1)):
        learn_play(users, 0, 5, at * minute, 0, 0)
        assert users.head[0, history.SESSION_N] == n
