"""Rows of artists on the path of a play: who writes them, who reads them, and that nobody pays for them who names no artists."""

from __future__ import annotations

import msgspec
import pytest

from infra.settings import Settings
from streams.absences import beyond_reach
from streams.artists import artist_hash
from streams.ids import hash_field, id_hash, track_partition
from streams.partitioner import partition_of
from streams.reasons import SESSION, brought_by, reasons_for
from streams.small_ranking import SmallRanking
from tests.oracle.rows import TrackRow, track_row
from tests.small_world import SMALL, SmallWorld, play

KEY = SMALL.id_key.encode()
BAND = "The Band"


def key_of(world: SmallWorld, artist: str) -> str:
    found = artist_hash(artist, KEY)
    return world.worker._keys.artist(track_partition(found, world.settings.deltas_partitions), hash_field(found))


def row_of(world: SmallWorld, artist: str) -> TrackRow | None:
    row = world.store.redis.hash(key_of(world, artist)).get("row")
    return None if row is None else track_row(row)


def artist_keys(world: SmallWorld) -> list[str]:
    return [key for key in world.store.redis.keys() if "}:artist:" in key]  # noqa: SIM118  (a method of its own)


async def opened(settings: Settings = SMALL) -> SmallWorld:
    world = SmallWorld(settings)
    await world.claim_all()
    return world


async def heard_apart(world: SmallWorld) -> None:
    """Tracks of one artist that no session has together, one of them more often."""
    for n, (user, track) in enumerate([("ben", "t1"), ("cleo", "t2"), ("dan", "t1"), ("eva", "t3")]):
        await world.play(play(n, user, track, artist=BAND), play(100 + n, user, f"other{n}", at_ms=play(n)["played_at"] + 1, artist="Else"))  # type: ignore[operator]


async def test_an_artist_has_a_row_of_the_tracks_that_plays_said_they_made() -> None:
    world = await opened()
    await heard_apart(world)
    row = row_of(world, BAND)
    assert row is not None and row.plays == 4
    plays = [(dst, counts[1]) for dst, counts, _, _ in row.near]
    assert plays == [(id_hash(track, KEY), n) for track, n in (("t1", 2.0), ("t3", 1.0), ("t2", 1.0))]
    about = msgspec.json.decode(world.store.redis.hash(key_of(world, BAND))["about"])
    assert about == {"artist": hash_field(artist_hash(BAND, KEY)), "plays": 4}
    assert len(artist_keys(world)) == 2


async def test_a_skip_tells_the_artist_nothing_and_who_names_none_sends_nothing() -> None:
    world = await opened()
    await world.play(play(0, "ana", "t1", artist=BAND, ms_played=1_000))
    sent = sum(sum(p.sent) for p in world.worker.user_partitions.values())
    assert (sent, artist_keys(world)) == (1, [])
    await world.play(play(1, "ben", "t1"), play(2, "ben", "t2", artist=" "))
    assert sum(sum(p.sent) for p in world.worker.user_partitions.values()) == sent + 2 + 2, "two counts, one tie told to both"
    assert artist_keys(world) == []
    await world.play(play(3, "ben", "t3", artist=BAND, private=True))
    assert artist_keys(world) == []


async def test_the_next_owner_goes_on_with_the_row_that_stands() -> None:
    world, whole = await opened(), await opened()
    for n in range(12):
        for each in (world, whole):
            await each.play(play(n, f"u{n % 3}", f"t{n % 5}", artist=BAND))
        world.new_worker()
        await world.claim_all()
    assert row_of(world, BAND) == row_of(whole, BAND)
    assert world.store.redis.hash(key_of(world, BAND)) == whole.store.redis.hash(key_of(whole, BAND))


@pytest.mark.parametrize("anew", [False, True])
async def test_what_else_the_artist_made_is_listed_with_the_play_that_brought_it(anew: bool) -> None:
    world = await opened()
    await heard_apart(world)
    if anew:  # nothing is in memory
        world.new_worker()
        await world.claim_all()
    await world.play(play(10, "ana", "never heard before", artist=BAND))
    entries = {entry["track_id"]: entry for entry in world.lists("ana")["discover"]}
    assert {"t1", "t2", "t3"} & entries.keys(), "as many of one artist as the cap lets"
    for track in {"t1", "t2", "t3"} & entries.keys():
        assert (entries[track]["source"], entries[track]["because"]) == ("made", ["never heard before"])


async def test_a_ranking_for_people_reads_the_artists_rows_and_names_the_play() -> None:
    world = await opened()
    await heard_apart(world)
    await world.play(play(10, "ana", "t9", artist=BAND))
    small = SmallRanking(world.settings, world.store)
    await small.open("ana", partition_of(b"ana", world.settings.events_partitions), world.user("ana")["row"])
    found = await small.rank_without()
    i = found.place(id_hash("t2", KEY))
    t9 = id_hash("t9", KEY)
    assert i >= 0 and brought_by(found, i) == {t9: SESSION}
    reasons = await reasons_for(small, found, i)
    assert [part.source for part in reasons.parts if part.signal == "made"] == ["made"]
    assert [cause.track for cause in reasons.because] == [t9]


async def test_why_a_track_of_the_artist_is_not_there_is_said() -> None:
    world = await opened()
    await heard_apart(world)
    await world.play(play(10, "ana", "t9", artist=BAND))
    small = SmallRanking(world.settings, world.store)
    await small.open("ana", partition_of(b"ana", world.settings.events_partitions), world.user("ana")["row"])
    small.ranker.reach.made[0] = 1
    found = await small.rank_without()
    said = [beyond_reach(small, found, id_hash(track, KEY)) for track in ("t3", "other1")]
    assert said[0] == "it is number 3 of what the last track's artist made, of which the first 1 are read"
    assert said[1].startswith("it is not among")


async def test_where_memory_is_short_rows_of_artists_are_folded_in_parts_too() -> None:
    plays = [play(n, f"u{n % 4}", f"t{n}", artist=f"Band {n}") for n in range(40)]
    small, large = await opened(msgspec.structs.replace(SMALL, track_rows_max=24)), await opened()
    for each in (small, large):
        for event in plays:
            await each.play(event)
    assert len(small.worker.track_rows) <= 24
    assert sorted(artist_keys(small)) == sorted(artist_keys(large)) and len(artist_keys(large)) == 40
    assert all(small.store.redis.hash(key) == large.store.redis.hash(key) for key in artist_keys(large))
