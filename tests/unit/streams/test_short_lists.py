"""A list pair in Redis is short, and the published bytes come back from it exactly."""

from __future__ import annotations

import msgspec
import pytest

from streams.short_lists import published
from tests.small_world import SMALL, SmallWorld, play

HEAD, TAIL = b'{"recommendation_id":"a1b2-3-7","at":1,', b'],"model":{"ranker":"r","finish":null}}'
AWKWARD = ['"next":[', '],"model":', '],"discover":[', "\\", "é", "🎵", "\x07", "a,b", "1", " x"]


async def _worlds_lists(world: SmallWorld) -> dict[str, bytes]:
    """Each user's newest list as it stands on the topic."""
    newest: dict[str, bytes] = {}
    for records in (log for (topic, _), log in world.outbox.log.items() if topic.endswith(".recommendations")):
        for record in records:
            assert record.key is not None and isinstance(record.value, bytes)
            newest[record.key.decode()] = record.value
    return newest


@pytest.mark.parametrize(("share", "fatigue"), [(0.0, 0.0), (0.05, 0.1), (0.5, 0.5), (1.0, 0.1)])
@pytest.mark.parametrize("names", [[f"t{i}" for i in range(60)], AWKWARD * 3], ids=["plain", "awkward"])
async def test_what_redis_holds_gives_the_published_bytes(names: list[str], share: float, fatigue: float) -> None:
    world = SmallWorld(msgspec.structs.replace(SMALL, explore_share=share, fatigue=fatigue))
    await world.claim_all()
    users, n_scored = ["ana", "ben", *AWKWARD], 0
    for i, track in enumerate(names[: 2 * len(names) // 3]):
        await world.play(*(play(i, user, track if k % 2 else names[-1 - i], event_id=f"{user}{i}") for k, user in enumerate(users)))
    newest = await _worlds_lists(world)
    assert set(newest) == set(users)
    for user, value in newest.items():
        stored = world.user(user)["list"]
        assert published(stored) == value
        assert msgspec.json.decode(stored)["cause"] == msgspec.json.decode(value)["cause"], "people can read it"
        if len(world.lists(user)["next"]) == 20:
            assert len(stored) < 0.55 * len(value)
        n_scored += sum(isinstance(e, list) and isinstance(e[0], int) for e in msgspec.json.decode(stored)["discover"])
    if len(set(names)) > len(AWKWARD):
        assert bool(n_scored) == (fatigue > 0), "entries that have another score in `discover`"


def test_entries_with_and_without_a_finish_and_by_place() -> None:
    short = HEAD + b'"next":[["a",0.00000,"popular",[],0.100],["b",0.99999,"own",["a","c"]]],"discover":[1,["d",0.50000,"x",[1,-1]]' + TAIL
    a = b'{"track_id":"a","score":0.00000,"source":"popular","because":[],"propensity":1.0,"finish":0.100}'
    b = b'{"track_id":"b","score":0.99999,"source":"own","because":["a","c"],"propensity":1.0}'
    d = b'{"track_id":"d","score":0.50000,"source":"x","because":["c","d"],"propensity":1.0}'
    assert published(short) == HEAD + b'"next":[' + a + b"," + b + b'],"discover":[' + b + b"," + d + TAIL


def test_an_entry_by_place_with_another_score() -> None:
    short = HEAD + b'"next":[["a",0.50000,"own",["c"],0.100]],"discover":[[0,0.25000],["d",0.12500,"x",[0]]' + TAIL
    a = b'{"track_id":"a","score":%b,"source":"own","because":["c"],"propensity":1.0,"finish":0.100}'
    d = b'{"track_id":"d","score":0.12500,"source":"x","because":["c"],"propensity":1.0}'
    assert published(short) == HEAD + b'"next":[' + a % b"0.50000" + b'],"discover":[' + a % b"0.25000" + b"," + d + TAIL


def test_what_was_explored_says_how_likely_it_was() -> None:
    explore = b'"explore":{"share":0.25,"places":[1],"candidates":1000},'
    short = HEAD + explore + b'"next":[["a",0.50000,"own",[],0.100]],"discover":[0,["b",0.00000,"x",[],0.200],["c",0.00000,"x",[]]' + TAIL
    a = b'{"track_id":"a","score":0.50000,"source":"own","because":[],"propensity":%b,"finish":0.100}'
    b = b'{"track_id":"b","score":0.00000,"source":"x","because":[],"propensity":0.00025,"finish":0.200}'
    c = b'{"track_id":"c","score":0.00000,"source":"x","because":[],"propensity":0.75}'
    wanted = HEAD + explore + b'"next":[' + a % b"1.0" + b'],"discover":[' + a % b"0.75" + b"," + b + b"," + c + TAIL
    assert published(short) == wanted


@pytest.mark.parametrize(
    "short",
    [
        b"",
        b"{}",
        b'{"next":[],"discover":[]}',
        HEAD + b'"next":[],"discover":[0' + TAIL,
        HEAD + b'"next":[["a",1.0,"x",[]]],"discover":[-1' + TAIL,
        HEAD + b'"next":[["a",1.0,"x",[]]],"discover":[[1,0.5]' + TAIL,
        HEAD + b'"next":[["a",1.0,"x",[]]],"discover":[["b",0.5]' + TAIL,
        HEAD + b'"next":[[0,1.0]],"discover":[' + TAIL,
        HEAD + b'"explore":{"share":0.1,"places":[1],"candidates":9},"next":[],"discover":[["a",1.0,"x",[]]' + TAIL,
        HEAD + b'"explore":{"share":0.1,"places":[0],"candidates":0},"next":[],"discover":[["a",1.0,"x",[]]' + TAIL,
        HEAD + b'"next":[["a"]],"discover":[' + TAIL,
        HEAD + b'"next":[["a",1.0,"x",[0]]],"discover":[' + TAIL,
        HEAD + b'"next":[["a",1.0,"x",["b",1]]],"discover":[' + TAIL,
        HEAD + b'"next":[["a",1.0,"x",["b",-2]]],"discover":[' + TAIL,
    ],
)
def test_what_is_no_list_pair_is_refused(short: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        published(short)
