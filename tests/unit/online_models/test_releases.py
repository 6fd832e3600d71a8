"""New releases: which micro-genre a session leans to, and that its newest tracks become candidates of next to no chance."""

from __future__ import annotations

import numpy as np
import pytest

from online_models import explore, history, marks, rank
from online_models.artists import NameTable, nobody_said
from online_models.explore import DRAWN
from online_models.hashmap import new_map, put
from online_models.history import new_users
from online_models.micro_genres import NOWHERE, OTHERWISE, UNASKED, MicroGenres
from online_models.moment import Moment, new_moment
from online_models.pool import index, meet, new_pool
from online_models.rank import LENGTH, NO_CAP, new_best
from online_models.releases import NO_RELEASES, RELEASES_MAX, Releases, join, leaning
from online_models.signals import RELEASE_BIT
from online_models.track_state import new_tracks

NO_ROWS = new_tracks(1, *new_map(1), 1, 1, 1)
NEW = {row: list(range(1_000 * (row + 1), 1_000 * (row + 1) + RELEASES_MAX)) for row in range(2)}
CLUSTER = {7: 0, 9: 1}
"""Id of a cluster -> its row."""


def known(clusters: dict[int, int], *, named: list[int] | None = None) -> tuple[NameTable, Releases]:
    """Names of these tracks (hash -> cluster) and of all that is new, and the new ones of clusters 7 and 9."""
    names = nobody_said(*new_map(256))
    where = np.full(256, UNASKED, np.int32)
    for slot, track in enumerate([*clusters, *(named if named is not None else [*NEW[0], *NEW[1]])]):
        put(names.keys, names.slots, track, slot)
        where[slot] = clusters.get(track, UNASKED)
    row = np.full(10, -1, np.int32)
    for cluster, at in CLUSTER.items():
        row[cluster] = at
    genres = MicroGenres(names.keys, names.slots, where, np.zeros(10, np.int32), np.zeros(10, np.int32))
    return names, Releases(genres, row, np.array([NEW[0], NEW[1]], np.int64))


def session(*tracks: int) -> Moment:
    """Newest first."""
    moment = new_moment()
    moment.key[: len(tracks)] = tracks
    moment.n[0] = len(tracks)
    return moment


def lean(clusters: dict[int, int], *tracks: int) -> tuple[int, list[int]]:
    """The row that the session leans to, and what was noted as missing."""
    _, releases = known(clusters)
    missing = np.zeros(8, np.int64)
    row = leaning(releases, session(*tracks), new_best().lean, missing)
    return row, missing[1 : 1 + missing[0]].tolist()


@pytest.mark.parametrize(
    ("clusters", "tracks", "row"),
    [
        pytest.param({1: 7}, (1,), 0, id="one track"),
        pytest.param({1: 9, 2: 7, 3: 7}, (1, 2, 3), 0, id="two against the newest"),
        pytest.param({1: 9, 2: 7}, (1, 2), 1, id="of two the newer"),
        pytest.param({1: NOWHERE, 2: 9}, (1, 2), 1, id="one that is in none"),
        pytest.param({1: 8}, (1,), -1, id="a cluster without new tracks"),
        pytest.param({1: 99}, (1,), -1, id="a cluster that came since"),
        pytest.param({}, (1,), -1, id="no name"),
        pytest.param({1: 7}, (), -1, id="no session"),
    ],
)
def test_a_session_leans_to_where_most_of_its_last_tracks_belong(clusters: dict[int, int], tracks: tuple[int, ...], row: int) -> None:
    assert lean(clusters, *tracks) == (row, [])


def test_a_track_that_nobody_asked_about_is_asked_about() -> None:
    assert lean({1: UNASKED, 2: 7}, 1, 2) == (0, [1])


def test_what_was_said_before_is_good_until_somebody_asks_again() -> None:
    assert lean({1: OTHERWISE - 9, 2: OTHERWISE - NOWHERE}, 1, 2) == (1, [1, 2])


def test_the_new_tracks_become_candidates_and_say_which_plays_they_are_near() -> None:
    _, releases = known({1: 7, 2: 9, 3: 7})
    pool, missing = new_pool(), np.zeros(8, np.int64)
    pool.chance[meet(pool, NEW[0][3])] = 0.25
    join(pool, releases, session(1, 2, 3), new_best().lean, missing)
    n = pool.n[0]
    assert sorted(pool.key[:n].tolist()) == NEW[0]
    assert pool.chance[0] == 0.25 and not pool.via[0], "a candidate already is what it was"
    assert (pool.chance[1:n] > 0.0).all() and (pool.chance[1:n] < 1e-20).all() and not pool.signal[:, :n].any()
    assert set(pool.via[1:n].tolist()) == {1 << RELEASE_BIT | 0b101}


def test_nothing_joins_where_nothing_is_new() -> None:
    pool = new_pool()
    join(pool, NO_RELEASES, session(1), new_best().lean, np.zeros(8, np.int64))
    assert pool.n[0] == 0


def test_a_new_track_is_drawn_as_often_as_the_list_says_and_never_where_it_is_blocked() -> None:
    """3,000 lists of 20 places that explore with a fifth: each new track must come as often as any candidate, by its told chance."""
    names, releases = known({1: 7}, named=[*NEW[0], *range(100, 200)])
    users, tracks, share, blocked = new_users(8, 1, 1), range(100, 200), 0.2, NEW[0][5]
    history.learn_play(users, 3, 1, 1_000, 0, 0, 1)
    marks.decide(users, 3, blocked, marks.BLOCK, history.FOR_EVER, 1, 1_000)
    drawn, told = 0, 0.0
    for event_hash in np.random.default_rng(2).integers(-(2**63), 2**63 - 1, 3_000).tolist():
        pool, best, missing = new_pool(), new_best(), np.zeros(8, np.int64)
        for k, track in enumerate(tracks):
            pool.chance[meet(pool, track)] = 1.0 / (k + 1)
        join(pool, releases, session(1), best.lean, missing)
        marks.weigh(pool, users, 3, 1_000, names, NO_ROWS, missing)
        rank.pick(pool, users, 3, names, NO_ROWS, NO_CAP, best, missing)
        explore.explore(pool, users, 3, names, NO_ROWS, NO_CAP, event_hash, share, best, missing)
        assert best.among[0] == len(tracks) - LENGTH + RELEASES_MAX - 1, "the same twenty stand in both lists"
        shown = [int(pool.key[best.discover[j]]) for j in np.flatnonzero(best.explored == DRAWN)]
        drawn += len(set(shown) & set(NEW[0]))
        told += LENGTH * (RELEASES_MAX - 1) * share / best.among[0]
        assert blocked not in shown and index(pool, blocked) >= 0
    assert abs(drawn - told) < 4.0 * np.sqrt(told), f"{drawn} drawn, {told:.0f} told"
