"""The simulated audience: one seed is one audience, it plays by the contract, and it can be learned."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import islice, pairwise

import msgspec
import pytest

from console.audience import Audience, Listen, TimeLapse, event, speed_for
from streams.contract import Play

N_PLAYS = 6_000


@pytest.fixture(scope="module")
def listens() -> list[Listen]:
    return list(islice(Audience(seed=7).listens(), N_PLAYS))


def test_the_same_seed_is_the_same_audience(listens: list[Listen]) -> None:
    assert listens == list(islice(Audience(seed=7).listens(), N_PLAYS))


def test_another_seed_is_another_audience(listens: list[Listen]) -> None:
    other = list(islice(Audience(seed=8).listens(), 100))
    assert [listen.track.track_id for listen in other] != [listen.track.track_id for listen in listens[:100]]


def test_plays_come_in_the_order_of_their_end_and_a_user_hears_one_track_at_a_time(listens: list[Listen]) -> None:
    assert all(before.ended_ms <= after.ended_ms for before, after in pairwise(listens))
    ended: dict[str, int] = {}
    for listen in listens:
        assert listen.started_ms >= ended.get(listen.user_id, 0)
        ended[listen.user_id] = listen.ended_ms


def test_every_event_keeps_the_contract_and_lies_in_the_past(listens: list[Listen]) -> None:
    lapse = TimeLapse(start_ms=1_764_582_000_000, speed=400.0)
    for listen in listens:
        play = msgspec.convert(event(listen, lapse, run="demo"), Play)
        assert play.played_at == lapse.wall_ms(listen.started_ms) <= lapse.wall_ms(listen.ended_ms)


def test_event_ids_are_unique_and_differ_between_runs(listens: list[Listen]) -> None:
    lapse = TimeLapse(0, 1.0)
    first = {event(listen, lapse, run="a")["event_id"] for listen in listens}
    assert len(first) == N_PLAYS
    assert first.isdisjoint(event(listen, lapse, run="b")["event_id"] for listen in listens)


def test_people_skip_finish_break_off_repeat_and_hear_new_releases(listens: list[Listen]) -> None:
    ends = Counter(listen.reason_end for listen in listens)
    assert ends["trackdone"] / N_PLAYS == pytest.approx(0.8, abs=0.1)
    assert sum(listen.ms_played < 30_000 for listen in listens) / N_PLAYS == pytest.approx(0.13, abs=0.06)
    assert ends["endplay"] > 0
    plays = Counter((listen.user_id, listen.track.track_id) for listen in listens)
    assert sum(n - 1 for n in plays.values()) / N_PLAYS > 0.05
    assert {listen.track.track_id for listen in listens} - _tracks_at_the_start()
    assert any(listen.private for listen in listens)


def test_sessions_have_several_plays_and_users_have_several_sessions(listens: list[Listen]) -> None:
    sessions = Counter(listen.session_id for listen in listens)
    assert len(listens) / len(sessions) > 5
    assert len(sessions) > len({listen.user_id for listen in listens})


def test_what_follows_what_can_be_learned_and_popularity_alone_knows_little(listens: list[Listen]) -> None:
    hits, popular_hits, n = _prequential(listens)
    assert hits / n > 0.4
    assert hits > 5 * popular_hits
    assert popular_hits > 0


def test_who_avoids_a_track_hears_it_no_more_once_the_play_under_way_has_ended(listens: list[Listen]) -> None:
    first, times = Counter((listen.user_id, listen.track.track_id) for listen in listens).most_common(1)[0]
    audience = Audience(seed=7)
    under_way = audience.under_way(first[0])
    assert under_way is None, "nobody listens yet"
    audience.avoid(*first)
    mine = [listen for listen in islice(audience.listens(), N_PLAYS) if listen.user_id == first[0]]
    assert times > 3 and len(mine) > 10
    assert first[1] not in [listen.track.track_id for listen in mine]


def test_what_is_under_way_is_what_comes_next(listens: list[Listen]) -> None:
    audience = Audience(seed=7)
    expected: dict[str, str] = {}
    n = 0
    for listen in islice(audience.listens(), 1_000):
        n += listen.user_id in expected
        assert expected.get(listen.user_id, listen.track.track_id) == listen.track.track_id
        for person in audience.people:
            under_way = audience.under_way(person.user_id)
            if person.user_id != listen.user_id and under_way is not None:
                expected[person.user_id] = under_way.track_id
        expected.pop(listen.user_id, None)
    assert n > 900


def test_the_asked_rate_is_met_within_a_fifth() -> None:
    speed = speed_for(500.0, seed=7, n_users=400)
    late = list(islice(Audience(seed=7).listens(), 10_000))[2_000:]
    seconds = (late[-1].ended_ms - late[0].ended_ms) / 1_000 / speed
    assert len(late) / seconds == pytest.approx(500.0, rel=0.2)


def _tracks_at_the_start() -> set[str]:
    return {track.track_id for artist in Audience(seed=7).catalogue.artists for album in artist.albums for track in album.tracks}


def _prequential(listens: list[Listen]) -> tuple[int, int, int]:
    """(hits of a plain table of successors, hits of the 20 most played, plays tested), each play tested before it is learned."""
    follows: dict[str, Counter[str]] = defaultdict(Counter)
    plays: Counter[str] = Counter()
    last: dict[str, str] = {}
    hits = popular_hits = n = 0
    for listen in listens:
        now, before = listen.track.track_id, last.get(listen.session_id)
        if before is not None:
            n += 1
            top = [track for track, _ in plays.most_common(20)]
            known = [track for track, _ in follows[before].most_common(20)]
            hits += now in (known + [track for track in top if track not in known])[:20]
            popular_hits += now in top
            follows[before][now] += 1
        plays[now] += 1
        last[listen.session_id] = now
    return hits, popular_hits, n
