"""A ring of the people who played a track, each once, and what shared ones are worth."""

from __future__ import annotations

import numpy as np
import pytest

from online_models import history, kindred
from online_models.arrays import U16
from online_models.hashmap import new_map, put
from online_models.history import new_users
from online_models.listeners import learn, new_listeners, reset
from online_models.moment import Known, look, new_moment, person_tag, session_person, session_tag
from online_models.track_state import PLAYS, new_tracks

SLOT, USER = 1, 1
PLACES = kindred.PLACES_EACH * 8
MINE, THEIRS, NOBODYS, OLD = 11, 12, 13, 14
AT_MS = 1_400_000_000_123


def people(listeners: object, s: int) -> list[int]:
    return sorted(listeners.tag[s].tolist())  # type: ignore[attr-defined]


def test_each_person_is_held_once_and_the_oldest_gives_way() -> None:
    listeners = new_listeners(2, 3)
    for tag in (7, 8, 7, 9, 9):
        learn(listeners, SLOT, tag)
    assert (int(listeners.n[SLOT]), people(listeners, SLOT)) == (3, [7, 8, 9])
    learn(listeners, SLOT, 10)
    assert people(listeners, SLOT) == [8, 9, 10]
    reset(listeners, SLOT)
    learn(listeners, SLOT, 8)
    assert (int(listeners.n[SLOT]), int(listeners.n[0])) == (1, 0)


def test_nobody_with_a_tag_of_zero_is_taken_for_an_empty_place() -> None:
    listeners = new_listeners(2, 3)
    learn(listeners, SLOT, 0)
    assert int(listeners.n[SLOT]) == 1


def world(plays: dict[int, list[int]], past: list[int]) -> Known:
    """Who played each track, and what the user played."""
    keys, slots = new_map(16)
    users = new_users(2, 2, 2)
    tracks = new_tracks(8, keys, slots, 1, 1, 8)
    users.head[USER, history.FIRST_AT] = AT_MS
    users.head[USER, history.N_HISTORY] = len(past)
    users.track[USER, : len(past)] = past
    for slot, (track, listeners) in enumerate(plays.items()):
        put(keys, slots, track, slot)
        tracks.head[slot, PLAYS] = len(listeners)
        for tag in listeners:
            learn(tracks.listeners, slot, tag)
    return Known(users=users, tracks=tracks, popular=np.zeros(0, np.int64), popular_weight=np.zeros(0, np.float32))


def shares(known: Known) -> list[float]:
    """Of every track, by slot."""
    weight: U16 = np.full(PLACES, 500, np.uint16)  # what the ranking before left there
    moment = new_moment()
    look(moment, known, USER)
    everybody = kindred.gather(weight, known, USER, moment)
    return [kindred.share(weight, everybody, known.tracks, t) for t in range(4)]


def test_who_shares_tracks_with_the_user_speaks_for_the_others_that_they_play() -> None:
    known = world({MINE: [1, 2], THEIRS: [1, 2, 3], NOBODYS: [4, 5], OLD: [3]}, [OLD, MINE])
    mine, theirs, nobodys, old = shares(known)
    two, four, three = np.sqrt([2 + 1, 3 + 1, 1 + 1])
    assert theirs == pytest.approx(2 / (two * four) + kindred.KEPT / (three * four), abs=4e-3)
    assert mine == pytest.approx(2 / (two * two), abs=4e-3) and old == pytest.approx(kindred.KEPT / (three * three), abs=4e-3)
    assert nobodys == 0.0


def test_the_user_speaks_for_nothing() -> None:
    me = int(session_person(world({}, []).users, USER))
    assert shares(world({MINE: [me, 2], THEIRS: [me], NOBODYS: [4], OLD: [5]}, [MINE]))[1:] == [0.0, 0.0, 0.0]


def test_only_the_newest_plays_are_asked() -> None:
    plays = {MINE: [1], THEIRS: [1], NOBODYS: [2], OLD: [2]}
    assert shares(world(plays, [OLD] + [MINE] * kindred.DEPTH))[2] == 0.0
    assert shares(world(plays, [OLD] + [MINE] * (kindred.DEPTH - 1)))[2] > 0.0


def test_who_only_shares_a_place_of_the_table_adds_nothing_in_the_mean() -> None:
    rng = np.random.default_rng(5)
    many = rng.permutation(1 << 16)
    found = []
    for k in range(200):
        asked, other = many[:800].reshape(20, 40), many[800 + 8 * k : 808 + 8 * k]
        weight = np.zeros(PLACES, np.uint16)
        np.add.at(weight, asked.ravel() & (PLACES - 1), 100)
        known = world({MINE: other.tolist()}, [])
        found.append(kindred.share(weight, 80_000, known.tracks, 0))
    raw = 8 * 80_000 / PLACES / kindred.ONE / 3
    assert np.mean(found) < raw  # without what is taken off it would be this much


def test_the_table_holds_all_that_the_newest_plays_can_add() -> None:
    assert kindred.ONE / np.sqrt(2) * sum(kindred.KEPT**k for k in range(kindred.DEPTH)) < 1 << 16


def test_all_sessions_of_a_person_begin_alike() -> None:
    known = world({}, [])
    person, tags = int(session_person(known.users, USER)), set()
    for n in range(50):
        known.users.head[USER, history.SESSIONS] = n
        tags.add(int(session_tag(known.users, USER)))
    assert {tag >> 16 for tag in tags} == {person} == {int(person_tag(known.users, USER)) >> 16}
    assert len(tags) > 45 and all(0 < tag < 1 << 32 for tag in tags)
