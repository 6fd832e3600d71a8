"""Shares of genres in a taste and of micro-genres in a session, as features of candidates; who is unknown is neither for nor against."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from online_models import features, history
from online_models.arrays import F32, I32
from online_models.features import FEATURES
from online_models.hashmap import new_map, put
from online_models.history import SESSION_GAP_MS, new_users
from online_models.items import FINISHED, SKIPPED
from online_models.micro_genres import NO_MICRO_GENRES, NOWHERE, OTHERWISE, UNASKED, MicroGenres
from online_models.moment import Known, look
from online_models.presets import PRESETS, new_ranker
from online_models.taste import ASKED_MAX, KEPT, PLAYS, fill
from online_models.track_state import new_tracks

S = 2
"""Slot of the user."""
MICRO = np.array([0, 1, 2, -1], np.int32)
"""Of cluster ids 0 to 3; 3 is of a micro-genre that is gone."""
GENRE = np.array([0, 0, 1, -1], np.int32)


class Shares(NamedTuple):
    genre: F32  # (candidates,) as stage 2 sees it
    micro: F32
    missing: list[int]
    padding: F32


def genres_of(clusters: dict[int, int]) -> MicroGenres:
    """Tracks that are known by name, and what was said of them."""
    keys, slots = new_map(max(len(clusters), 8))
    where: I32 = np.array([*clusters.values()], np.int32)
    for slot, track in enumerate(clusters):
        put(keys, slots, track, slot)
    return MicroGenres(keys, slots, where, MICRO, GENRE)


def shares(
    genres: MicroGenres, plays: list[tuple[int, int]], candidates: list[int], *, noted: int = 0, new_session_at: int = 0, left: float = 0.0
) -> Shares:
    """What is noted for the user of `plays` (track, flags); `left` is what another ranking left in the place."""
    users, ranker, missing = new_users(4, 1, 1), new_ranker(PRESETS["fast"], 2), np.zeros(1_000, np.int64)
    for k, (track, flags) in enumerate(plays):
        at_ms = k * 1_000 + (SESSION_GAP_MS if k >= new_session_at > 0 else 0)
        history.learn_play(users, S, track, at_ms, 0, flags, k + 1)
    known = Known(users, new_tracks(1, *new_map(1), 1, 1, 1), np.zeros(0, np.int64), np.zeros(0, np.float32), genres)
    look(ranker.moment, known, S)
    ranker.rankings.key[1, : len(candidates)] = candidates
    ranker.rankings.n[1] = len(candidates)
    ranker.rankings.track[1], ranker.rankings.placed[1] = left, left > 0.0
    missing[0] = noted
    fill(ranker.taste, known, S, ranker.moment, ranker.rankings, 1, missing)
    features.fill(ranker.work.x, ranker.rankings, 1)
    rows, n = ranker.work.x[[FEATURES.index(name) for name in ("genre_share", "micro_share")]], len(candidates)
    return Shares(rows[0, :n], rows[1, :n], missing[1 + noted : 1 + missing[0]].tolist(), rows[:, n:])


def scaled(share: float) -> float:
    return float(np.log(1.0 + 20.0 * share) / np.log(21.0))


def against_the_mean(parts: list[float]) -> list[float]:
    return [scaled(part) - sum(map(scaled, parts)) / len(parts) for part in parts]


def test_a_genre_counts_what_was_played_of_it_the_newest_most_and_skips_not_at_all() -> None:
    genres = genres_of({1: 0, 2: 1, 3: 2, 11: 1, 12: 2})
    found = shares(genres, [(3, FINISHED), (1, 0), (3, SKIPPED), (2, FINISHED)], [11, 12])
    first, second = KEPT**0 + KEPT**2, KEPT**3
    assert found.genre == pytest.approx(against_the_mean([first / (first + second), second / (first + second)]), abs=2e-3)
    assert found.missing == []


def test_a_taste_looks_back_so_far_and_no_farther() -> None:
    genres = genres_of({1: 0, 3: 2, 11: 0, 12: 2})
    old, new = [(3, 0)], [(1, 0)] * (PLAYS - 1)
    assert shares(genres, old + new, [11, 12]).genre[1] > against_the_mean([1.0, 0.0])[1] + 1e-3
    assert shares(genres, old + [*new, (1, 0)], [11, 12]).genre[1] == pytest.approx(against_the_mean([1.0, 0.0])[1], abs=1e-3)


def test_a_micro_genre_counts_the_session_alone() -> None:
    genres = genres_of({1: 0, 2: 1, 3: 2, 11: 1, 12: 2, 13: 0})
    found = shares(genres, [(3, 0), (1, 0), (2, 0)], [11, 12, 13], new_session_at=1)
    assert found.micro == pytest.approx(against_the_mean([1.0 / 1.8, 0.0, 0.8 / 1.8]), abs=2e-3)
    assert found.genre[1] < found.genre[0] == found.genre[2], "micro-genres 0 and 1 are of one genre"


@pytest.mark.parametrize("said", [None, UNASKED, NOWHERE, 99, 3], ids=["no name", "nobody asked", "nowhere", "came since", "gone"])
def test_who_is_unknown_is_neither_for_nor_against(said: int | None) -> None:
    told = {1: 0, 11: 0, 12: 2}
    plays = [(1, 0), (1, 0)]
    with_it = shares(genres_of(told | ({77: said} if said is not None else {})), plays, [11, 77, 12])
    without = shares(genres_of(told), plays, [11, 12])
    assert with_it.genre[1] == with_it.micro[1] == 0.0
    assert np.array_equal(with_it.genre[[0, 2]], without.genre) and np.array_equal(with_it.micro[[0, 2]], without.micro)
    assert without.genre[0] > 0.0 > without.genre[1] and not with_it.padding.any()
    assert with_it.missing == ([77] if said == UNASKED else [])


def test_a_user_of_whom_nothing_is_known_prefers_nothing() -> None:
    found = shares(genres_of({11: 0, 12: 2}), [(1, 0)], [11, 12])
    assert found.genre == pytest.approx([0.0, 0.0]) and found.micro == pytest.approx([0.0, 0.0])


def test_nothing_is_noted_where_nothing_is_served_and_nothing_is_left_of_before() -> None:
    found = shares(NO_MICRO_GENRES, [(1, 0)], [1, 2], left=0.5)
    assert not found.genre.any() and not found.micro.any() and found.missing == []


def test_a_round_asks_about_so_many_and_goes_by_what_was_said_before() -> None:
    """Clusters were served anew: every answer is in doubt, and good until somebody asks again."""
    doubted = {1: OTHERWISE - 0, 11: OTHERWISE - 0, 12: OTHERWISE - 2}
    found = shares(genres_of(doubted), [(1, 0)], [11, 12])
    assert np.array_equal(found.genre, shares(genres_of({1: 0, 11: 0, 12: 2}), [(1, 0)], [11, 12]).genre)
    assert found.missing == [1, 1, 11, 12], "of the user's plays, of the session, of the candidates"
    assert shares(genres_of(doubted), [(1, 0)], [11, 12], noted=ASKED_MAX - 1).missing == [1]
    assert shares(genres_of(doubted), [(1, 0)], [11, 12], noted=ASKED_MAX).missing == []
