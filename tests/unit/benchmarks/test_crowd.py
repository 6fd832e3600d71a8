"""The crowd of the benchmarks: a busy service, from one seed."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import msgspec

from benchmarks.crowd import EVENT_ID, Crowd, Play, Size, padding, users_per_500
from streams.contract import Play as PlayEvent

START_MS = 1_764_582_000_000
SMALL = Size(users=3_000, listening=1_000, tracks=1_000)


def plays(n: int, seed: int = 1, size: Size = SMALL) -> list[Play]:
    return list(Crowd(seed, START_MS, size).plays(n))


def decoded(some: list[Play]) -> list[Any]:
    return [msgspec.json.decode(play.value, type=PlayEvent) for play in some]


def test_the_same_seed_is_the_same_stream_and_another_is_another() -> None:
    assert plays(500) == plays(500)
    assert plays(500, seed=2) != plays(500)


def test_every_play_is_a_whole_event_of_the_contract() -> None:
    for play, event in zip(plays(300), decoded(plays(300)), strict=True):
        assert event.user_id.encode() == play.key and event.event_id.encode() == play.event_id
        assert len(event.track_id) == 22
        assert event.ms_played <= event.duration_ms and event.session_id and event.reason_end and event.context


def test_among_500_plays_in_a_row_are_more_than_400_users() -> None:
    assert users_per_500(plays(5_000, size=Size())) > 400


def test_each_user_keeps_their_own_order() -> None:
    last: dict[str, int] = defaultdict(int)
    for event in decoded(plays(5_000)):
        assert event.played_at >= last[event.user_id]
        last[event.user_id] = event.played_at


def test_sessions_are_of_some_plays_and_tracks_come_again() -> None:
    events = decoded(plays(20_000))
    sessions = {event.session_id for event in events}
    heard: set[tuple[str, str]] = set()
    repeats = 0
    for event in events:
        repeats += (event.user_id, event.track_id) in heard
        heard.add((event.user_id, event.track_id))
    assert 5 < len(events) / len(sessions) < 12
    assert 0.1 < repeats / len(events) < 0.5


def test_a_census_has_everybody_who_does_not_listen_and_every_track() -> None:
    crowd = Crowd(1, START_MS, SMALL)
    events = decoded(list(crowd.census()))
    assert len({event.user_id for event in events}) == SMALL.users - SMALL.listening
    assert {event.track_id.encode() for event in events} == set(crowd.track_ids)


def test_an_event_id_is_found_in_events_and_in_lists() -> None:
    found = EVENT_ID.search(b'{"recommendation_id":"a-1-2","cause":{"event_id":"e7","partition":1}}')
    assert found is not None and found.group(1) == b"e7"
    play = plays(1)[0]
    found = EVENT_ID.search(play.value)
    assert found is not None and found.group(1) == play.event_id


def test_padding_has_the_asked_size() -> None:
    assert len(padding(6_000, 1)) == 6_000
    assert len(set(padding(6_000, 1))) == 62
