"""The demo's Markov rival: exact counts, bounded tables, and the very plays that Segue is tested on."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import islice

from console.audience import Audience, Listen
from console.demo_markov import LENGTH, Markov, MarkovRival, Tally

N_PLAYS = 4_000


def _reference(follows: dict[str, Counter[str]], plays: Counter[str], before: str) -> list[str]:
    """The same list from whole tables, sorted anew."""
    known = [track for track, _ in sorted(follows[before].items(), key=lambda each: (-each[1], each[0]))]
    popular = [track for track, _ in sorted(plays.items(), key=lambda each: (-each[1], each[0]))][:LENGTH]
    return (known[:LENGTH] + [track for track in popular if track not in known])[:LENGTH]


def test_lists_are_what_followed_by_count_and_then_the_popular() -> None:
    markov = Markov()
    follows: dict[str, Counter[str]] = defaultdict(Counter)
    plays: Counter[str] = Counter()
    last: dict[str, str] = {}
    for listen in islice(Audience(seed=3, n_users=60).listens(), N_PLAYS):
        track, before = listen.track.track_id, last.get(listen.session_id)
        if before is not None:
            assert markov.rank(before) == _reference(follows, plays, before)
            follows[before][track] += 1
        markov.learn_one(before, track)
        plays[track] += 1
        last[listen.session_id] = track


def test_tables_are_bounded_and_keep_what_is_frequent_and_recent() -> None:
    markov = Markov(successors_max=3, tracks_max=5)
    for n in range(50):
        markov.learn_one("a", "often")
        markov.learn_one("a", f"once-{n}")
        markov.learn_one(f"before-{n}", "x")
    assert "often" in markov.rank("a")[:1]
    assert len(markov._follows) == len(markov._plays) == 5
    assert max(len(row) for row in markov._follows.values()) == 3


def _listen(track: str, session: str) -> Listen:
    found = next(Audience(seed=1, n_users=10).listens())
    return found._replace(user_id="ana", session_id=session, track=found.track._replace(track_id=track))


def test_only_plays_that_go_on_with_a_session_while_a_list_stands_are_tests() -> None:
    rival = MarkovRival()

    def play(track: str, session: str, n_listed: int) -> bool | None:
        hit = rival.play(_listen(track, session))
        rival.answered("ana", hit, n_listed)
        return hit

    assert play("t1", "s1", 0) is None
    assert play("t2", "s1", 0) is False
    assert rival.tally == Tally(), "no list stood before it: Segue was not tested"
    assert play("t2", "s1", 20) is True, "popular"
    assert rival.tally == Tally(), "an empty list stood before it"
    assert play("t3", "s1", 20) is False
    assert rival.tally == Tally(1, 0)
    assert play("t1", "s2", 20) is None
    assert rival.tally == Tally(1, 0), "the first of a session"
    assert "t3" not in rival._markov._follows, "what begins a session follows nothing"
    assert play("t2", "s2", 20) is True
    assert rival.tally == Tally(2, 1)


def test_a_list_that_answers_no_play_stands_before_the_next_one() -> None:
    rival = MarkovRival()
    rival.answered("ana", rival.play(_listen("t1", "s1")), 0)
    rival.answered("ana", None, 20)
    rival.answered("ana", rival.play(_listen("t2", "s1")), 20)
    assert rival.tally == Tally(1, 0)
