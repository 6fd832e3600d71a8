"""The listener whom the demo follows: when they skip and block, what they send, and what is read off their lists."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from console.audience import Audience, Listen, TimeLapse, event
from console.audience_catalogue import Track
from console.demo_followed import Act, FollowedListener
from streams.contract import Block, Play

ALL = {track.track_id: track for artist in Audience(seed=1).catalogue.artists for album in artist.albums for track in album.tracks}
ROCK = [track for track in ALL if "rock" in track][:6]
FIRST = next(Audience(seed=1, n_users=10).listens())._replace(user_id="ana-000", session_id="s1", private=False)


class World:
    """A listener, and the lists that come to them, at offsets that rise by themselves."""

    def __init__(self, seconds: float = 30.0) -> None:
        self.ana = FollowedListener("ana-000", run="demo-1", seconds=seconds, tracks=ALL)
        self.offset = 0

    def play(self, event_id: str = "e1") -> Listen:
        listen = FIRST._replace(track=ALL[ROCK[0]], ms_played=100_000)
        self.ana.sent(listen, event_id)
        return listen

    def list(
        self, event_id: str, tracks: Sequence[str], *, discover: Sequence[str] = (), at_s: float = 0.0, offset: int | None = None
    ) -> None:
        self.offset = self.offset + 1 if offset is None else offset
        entries = [{"track_id": track, "source": "follows", "because": [ROCK[0]], "score": 0.1} for track in tracks]
        new = [{"track_id": track, "source": "alike", "score": 0.1} for track in discover]
        pair = {"cause": {"event_id": event_id, "partition": 0, "offset": self.offset}, "next": entries, "discover": new}
        self.ana.read(msgspec.json.encode(pair), at_s)

    def act(self, elapsed_s: float, hearing: Track | None = None) -> Act:
        act = self.ana.due_act(elapsed_s, hearing)
        assert act is not None and act.track is not None
        act.sent_s = elapsed_s
        return act


def test_the_highest_entry_that_is_not_under_way_is_skipped_when_the_newest_event_is_answered() -> None:
    world = World()
    assert world.ana.due_act(20.0, None) is None, "no list yet"
    world.play()
    world.list("e0", ROCK)
    assert world.ana.due_act(20.0, None) is None, "the newest play is not answered"
    world.list("e1", ROCK[1:])
    assert world.ana.due_act(9.0, None) is None, "too early"
    act = world.act(10.0, hearing=ALL[ROCK[0]])
    assert (act.kind, act.place, act.track) == ("skip", 1, ALL[ROCK[1]])


def test_a_skip_waits_for_a_first_entry_that_is_not_under_way_until_the_block_is_due() -> None:
    world = World()
    world.play()
    world.list("e1", ROCK[1:])
    assert world.ana.due_act(14.9, ALL[ROCK[1]]) is None, "the first entry is under way"
    act = world.act(15.0, hearing=ALL[ROCK[1]])
    assert (act.kind, act.place, act.track) == ("skip", 2, ALL[ROCK[2]])


def test_a_short_demo_skips_and_blocks_sooner() -> None:
    short, endless = World(seconds=12).ana, World(seconds=0).ana
    assert (short.skip.due_s, short.block.due_s) == (4.0, 6.0)
    assert (endless.skip.due_s, endless.block.due_s) == (10.0, 15.0)


def test_a_skip_is_a_play_of_the_contract_between_two_plays_of_the_session() -> None:
    world, lapse = World(), TimeLapse(1_764_582_000_000, 300.0)
    newest = world.play()
    world.list("e1", ROCK[1:])
    act = world.act(10.0)
    assert act.track is not None
    skip = world.ana.skip_of(act.track)
    play = msgspec.convert(event(skip, lapse, run="demo-1") | {"event_id": act.event_id}, Play)
    assert (play.user_id, play.track_id, play.session_id, play.event_id) == ("ana-000", ROCK[1], "s1", "demo-1-skip")
    assert play.played_at == lapse.wall_ms(newest.ended_ms) and skip.ended_ms < newest.ended_ms + 2_000
    assert (play.ms_played, play.reason_end) == (1_500, "fwdbtn")


def _skipped(world: World) -> None:
    """The first act is done and answered, and the next is due."""
    world.play()
    world.list("e1", ROCK[1:])
    act = world.act(10.0)
    assert act.track is not None
    world.ana.sent(world.ana.skip_of(act.track), act.event_id)
    assert world.ana.due_act(16.0, None) is None, "the skip is not answered yet"
    world.list(act.event_id, [*ROCK[2:], ROCK[1]], at_s=10.04)


def test_effects_are_read_off_the_lists_that_answer() -> None:
    world = World()
    _skipped(world)
    skip = world.ana.skip.effect("ana-000")
    assert skip is not None and (skip.place_before, skip.place_after) == (1, 5)
    assert skip.ms == pytest.approx(40.0)
    act = world.act(15.0)
    assert (act.kind, act.place, act.track) == ("block", 1, ALL[ROCK[2]])
    block = msgspec.convert(world.ana.block_of(ALL[ROCK[2]]), Block)
    assert (block.user_id, block.track_id, block.event_id) == ("ana-000", ROCK[2], "demo-1-block")
    world.ana.sent_block()
    world.list("demo-1-block", ROCK[3:], at_s=15.05)
    effect = world.ana.block.effect("ana-000")
    assert effect is not None and (effect.place_before, effect.place_after) == (1, None)
    assert effect.ms == pytest.approx(50.0)
    assert world.ana.due_act(60.0, None) is None, "that was all"
    assert world.ana.view().effects == [skip.told(), effect.told()]


def test_a_private_play_is_answered_by_no_list_and_not_waited_for() -> None:
    world = World()
    newest = world.play()
    world.list("e1", ROCK[1:])
    world.ana.sent(newest._replace(private=True, started_ms=newest.ended_ms, ended_ms=newest.ended_ms + 90_000), "e2")
    world.act(10.0)
    assert world.ana.skip_of(ALL[ROCK[1]]).started_ms == newest.ended_ms, "what is private is nobody's past"


def test_what_was_skipped_is_not_blocked_too() -> None:
    world = World()
    _skipped(world)
    world.play("e2")
    world.list("e2", ROCK[1:])
    act = world.act(15.0)
    assert (act.kind, act.place, act.track) == ("block", 2, ALL[ROCK[2]])


@pytest.mark.parametrize("where", ["next", "discover"])
def test_a_later_list_with_the_blocked_track_is_counted_and_an_earlier_one_is_not(where: str) -> None:
    world = World()
    _skipped(world)
    world.act(15.0)
    blocked = ROCK[2]
    world.list("e2", [blocked])
    assert world.ana.blocked_listed == 0, "it answers an event before the block"
    world.list("demo-1-block", ROCK[3:])
    world.list("e1", [blocked], offset=1)
    assert (world.ana.lists_since_block, world.ana.blocked_listed) == (1, 0), "an old list, published again"
    world.list("e3", [blocked] if where == "next" else [], discover=[blocked] if where == "discover" else [], offset=99)
    assert (world.ana.lists_since_block, world.ana.blocked_listed) == (2, 1)


def test_a_block_that_no_list_answers_is_told_so() -> None:
    world = World()
    _skipped(world)
    assert world.ana.block.effect("ana-000") is None, "not sent yet"
    world.act(15.0)
    effect = world.ana.block.effect("ana-000")
    assert effect is not None and (effect.ms, effect.short()) == (None, "unanswered")


def test_the_view_has_titles_sources_and_causes() -> None:
    world = World()
    world.play()
    world.list("e1", [ROCK[1], "t-nobody-knows"])
    world.play("e2")
    shown = world.ana.view()
    title = ALL[ROCK[1]].title
    assert [(entry.title.split(" · ")[0], entry.reason()) for entry in shown.entries] == [
        (title, f"follows {ALL[ROCK[0]].title}"),
        ("t-nobody-knows", f"follows {ALL[ROCK[0]].title}"),
    ]
    assert [heard.listed for heard in shown.heard] == [None, False]
    assert world.ana.listed() == [ROCK[1], "t-nobody-knows"]
