"""Likes, dislikes, blocks, undo, forget and pause, as somebody sees them who reads the lists."""

from __future__ import annotations

import msgspec
import pytest

from streams.ports import TP
from streams.user_rows import pure_part
from tests.events_log import PLAYED_MS
from tests.small_world import SMALL, SmallWorld, play

FOLLOWERS = ("b", "c", "d", "e")


@pytest.fixture
async def world() -> SmallWorld:
    """Everybody plays b to e after a; ana has just played a."""
    world = SmallWorld()
    await world.claim_all()
    for user in ("ben", "cai", "dan"):
        await album(world, user, "a", *FOLLOWERS, "x")
    await album(world, "ana", "a")
    return world


async def album(world: SmallWorld, user: str, *tracks: str, first: int = 0) -> None:
    for i, track in enumerate(tracks, first):
        await world.play(play(i, user, track, event_id=f"{user}-{i}"))


def said(kind: str, event_id: str, **fields: object) -> dict[str, object]:
    return {"type": kind, "event_id": event_id, "user_id": "ana", **fields}


def listed(world: SmallWorld) -> set[object]:
    return {*world.tracks("ana"), *world.tracks("ana", "discover")}


def score(world: SmallWorld, track: str) -> float:
    return next(float(str(entry["score"])) for entry in world.lists("ana")["next"] if entry["track_id"] == track)


def about(world: SmallWorld) -> dict[str, object]:
    found: dict[str, object] = msgspec.json.decode(world.user("ana")["about"])
    return found


async def test_a_like_makes_a_track_likelier_in_the_next_list(world: SmallWorld) -> None:
    before = score(world, "d")
    await world.play(said("like", "l1", track_id="d"))
    after = score(world, "d")
    assert after >= max(0.05, 0.99 * 3 * before / (1 + 2 * before)) and after > before


async def test_a_liked_track_that_nothing_proposes_is_listed_and_says_why(world: SmallWorld) -> None:
    await world.play(play(0, "eva", "far", event_id="eva-0"), said("like", "l1", track_id="never-heard-of"))
    entry = next(e for e in world.lists("ana")["next"] if e["track_id"] == "never-heard-of")
    assert (entry["source"], entry["because"]) == ("liked", [])
    assert "never-heard-of" in world.tracks("ana", "discover"), "liked is not played"


async def test_a_disliked_track_is_gone_from_the_next_list_and_a_like_brings_it_back(world: SmallWorld) -> None:
    assert "c" in listed(world)
    await world.play(said("dislike", "d1", track_id="c"))
    assert "c" not in listed(world)
    await world.play(said("like", "l1", track_id="c"))
    assert "c" in listed(world)
    await world.play(said("undo", "u1", undone_event_id="l1"))
    assert "c" not in listed(world)
    await world.play(said("undo", "u2", undone_event_id="d1"))
    assert "c" in listed(world)


async def test_a_block_lasts_until_its_time_as_the_events_tell_it(world: SmallWorld) -> None:
    until = PLAYED_MS - 10**9 + 3 * 240_000
    await world.play(said("block", "b1", track_id="c", until=until, at=until - 1_000))
    assert "c" not in listed(world)
    await world.play(play(2, "ana", "a", event_id="ana-2"))
    assert "c" not in listed(world), "a play before its end"
    await world.play(play(3, "ana", "a", event_id="ana-3"))
    assert "c" in listed(world), "a play at its end"


async def test_an_undone_play_is_no_cause_no_history_and_no_session_and_stays_counted(world: SmallWorld) -> None:
    await album(world, "ana", "b", "y", first=1)
    assert (about(world)["plays"], about(world)["last_track"], about(world)["session_plays"]) == (3, "y", 3)
    await world.play(said("undo", "u1", undone_event_id="ana-2"))
    assert (about(world)["plays"], about(world)["last_track"], about(world)["session_plays"]) == (3, None, 2)
    causes = {cause for name in ("next", "discover") for entry in world.lists("ana")[name] for cause in entry["because"]}  # type: ignore[attr-defined]
    assert "y" not in causes and "y" not in world.tracks("ana", "discover")
    await album(world, "ana", "c", first=3)
    assert (about(world)["last_track"], about(world)["session_plays"]) == ("c", 3)


async def test_a_list_after_an_undone_play_is_that_of_somebody_who_never_played_it(world: SmallWorld) -> None:
    await world.play(play(1, "ana", "d", event_id="oops"), said("undo", "u1", undone_event_id="oops"))
    await album(world, "eva", "a")

    def told(user: str) -> set[tuple[object, ...]]:
        return {(entry["track_id"], entry["source"], *entry["because"]) for entry in world.lists(user)["next"]}  # type: ignore[misc]

    assert told("ana") == told("eva") and ("d", "follows", "a") in told("ana")
    assert "d" in world.tracks("eva", "discover") and "d" not in world.tracks("ana", "discover"), "but it is not new to ana"


@pytest.mark.parametrize("by", [{"track_id": "b"}, {"forgotten_event_id": "ana-1"}])
async def test_a_forgotten_track_is_not_the_users_any_more(world: SmallWorld, by: dict[str, object]) -> None:
    await album(world, "ana", "b", "q", "a", first=1)
    await world.play(said("forget", "f1", **by))
    entries = world.lists("ana")["next"]
    assert not any("b" in entry["because"] for entry in entries)  # type: ignore[operator]
    assert all(entry["source"] not in {"own", "again"} for entry in entries if entry["track_id"] == "b")
    assert "b" not in world.tracks("ana", "discover"), "it is not new"
    assert about(world)["plays"] == 4


async def test_while_a_user_is_paused_plays_are_private_and_decisions_work(world: SmallWorld) -> None:
    await world.play(said("pause", "p1"))
    row, n_lists = pure_part(world.user("ana")["row"]), len(world.published())
    await world.play(play(1, "ana", "b", event_id="ana-1"), play(2, "ana", "c", event_id="ana-2"))
    assert world.count("private") == 2 and len(world.published()) == n_lists
    assert pure_part(world.user("ana")["row"]) == row
    await world.play(said("dislike", "d1", track_id="c"))
    assert "c" not in listed(world)
    await world.play(said("resume", "r1"), play(3, "ana", "b", event_id="ana-3"))
    assert (about(world)["plays"], about(world)["last_track"], world.count("private")) == (2, "b", 2)


async def test_decisions_outlive_the_process(world: SmallWorld) -> None:
    await world.play(said("dislike", "d1", track_id="c"), said("like", "l1", track_id="e"), said("pause", "p1"))
    await world.worker.close()
    world.new_worker()
    await world.claim_all()
    await world.play(play(1, "ana", "b", event_id="ana-1"), said("undo", "u1", undone_event_id="l1"))
    assert "c" not in listed(world) and world.count("private") == 1
    await world.play(said("undo", "u2", undone_event_id="d1"), said("resume", "r1"), play(2, "ana", "b", event_id="ana-2"))
    assert "c" in listed(world) and about(world)["plays"] == 2


async def test_an_event_of_every_kind_counts_once(world: SmallWorld) -> None:
    events = [said("like", "1", track_id="b"), said("pause", "2"), said("undo", "3", undone_event_id="1"), said("resume", "4")]
    applied = world.count("applied")
    await world.play(*events, *events)
    assert (world.count("applied") - applied, world.count("duplicate")) == (4, 4)


async def test_an_erased_user_has_decided_nothing(world: SmallWorld) -> None:
    await world.play(said("dislike", "d1", track_id="c"), said("pause", "p1"), said("erase", "x1"), play(1, "ana", "a", event_id="ana-1"))
    assert "c" in listed(world) and about(world)["plays"] == 1


async def told_world(**changes: int) -> SmallWorld:
    """As above, and plays say who made what: b, c and d are of one artist, in two writings; e is nobody's."""
    world = SmallWorld(msgspec.structs.replace(SMALL, **changes))
    await world.claim_all()
    artists = {"b": "Sigur Rós", "c": "SIGUR  RÓS", "d": "Sigur Rós", "e": "", "a": "Björk", "x": "Björk"}
    for user in ("ben", "cai", "dan"):
        for i, track in enumerate(("a", *FOLLOWERS, "x")):
            await world.play(play(i, user, track, event_id=f"{user}-{i}", artist=artists[track]))
    await world.play(play(0, "ana", "a", event_id="ana-0", artist="Björk"))
    return world


async def test_a_blocked_artist_is_gone_from_the_next_list_and_back_when_it_ends() -> None:
    world = await told_world(artist_max=0)
    assert {"b", "c", "d", "e"} <= listed(world)
    await world.play(said("block", "b1", artist=" sigur rós"), said("like", "l1", track_id="b"))
    assert not {"b", "c", "d"} & listed(world) and {"e", "x"} <= listed(world)
    await world.play(said("unblock", "u1", artist="SIGUR RÓS"))
    assert {"b", "c", "d", "e"} <= listed(world)
    await world.play(said("undo", "u2", undone_event_id="u1"))
    assert not {"b", "c", "d"} & listed(world)
    await world.play(said("undo", "u3", undone_event_id="b1"))
    assert {"b", "c", "d", "e"} <= listed(world)
    until = PLAYED_MS - 10**9 + 3 * 240_000
    await world.play(said("block", "b2", artist="sigur rós", until=until, at=until - 1_000))
    assert not {"b", "c", "d"} & listed(world)
    await world.play(play(3, "ana", "a", event_id="ana-3"))
    assert {"b", "c", "d", "e"} <= listed(world)


@pytest.mark.parametrize(
    ("changes", "in_next", "in_discover"), [({}, 3, 2), ({"artist_max": 1, "artist_max_next": 2}, 2, 1), ({"artist_max": 0}, 3, 3)]
)
async def test_lists_hold_as_many_tracks_of_an_artist_as_the_settings_say(changes: dict[str, int], in_next: int, in_discover: int) -> None:
    world = await told_world(**changes)
    of_one = {"b", "c", "d"}
    assert len(of_one.intersection(map(str, world.tracks("ana")))) == in_next
    assert len(of_one.intersection(map(str, world.tracks("ana", "discover")))) == in_discover
    assert "e" in world.tracks("ana", "discover")


async def test_a_worker_that_knows_a_track_by_name_alone_asks_who_made_it_before_it_shows_it() -> None:
    world = await told_world(artist_max=0)
    await world.play(said("block", "b1", artist="Sigur Rós"))
    # The rows of those tracks are another worker's: this one knows them as neighbours, and from an event.
    await world.worker.close()
    await world.new_worker().claim([TP(world.worker.events_topic, p) for p in range(2)])
    await world.handle(world.append(said("like", "l1", track_id="b")))
    assert not {"b", "c", "d"} & listed(world)
    await world.handle(world.append(play(9, "ana", "a", event_id="ana-9")))
    assert not {"b", "c", "d"} & listed(world) and "e" in listed(world)
