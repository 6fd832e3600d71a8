"""Rows of albums on the path of a play: who writes them, who reads them, and that nobody pays for them who names none."""

from __future__ import annotations

import msgspec
import pytest

from streams.absences import beyond_reach
from streams.artists import album_hash
from streams.ids import hash_field, id_hash, track_partition
from streams.partitioner import partition_of
from streams.reasons import SESSION, brought_by, reasons_for
from streams.small_ranking import SmallRanking
from streams.user_rows import pure_part
from tests.oracle.rows import TrackRow, track_row, user_row
from tests.small_world import SMALL, SmallWorld, play

KEY = SMALL.id_key.encode()
BAND, DEBUT = "The Band", "Debut"


def key_of(world: SmallWorld, artist: str, album: str) -> str:
    found = album_hash(artist, album, KEY)
    return world.worker._keys.album(track_partition(found, world.settings.deltas_partitions), hash_field(found))


def row_of(world: SmallWorld, artist: str, album: str) -> TrackRow | None:
    row = world.store.redis.hash(key_of(world, artist, album)).get("row")
    return None if row is None else track_row(row)


def album_keys(world: SmallWorld) -> list[str]:
    return [key for key in world.store.redis.keys() if "}:album:" in key]  # noqa: SIM118  (a method of its own)


def n_sent(world: SmallWorld) -> int:
    return sum(sum(p.sent) for p in world.worker.user_partitions.values())


async def opened() -> SmallWorld:
    world = SmallWorld()
    await world.claim_all()
    return world


async def heard_apart(world: SmallWorld) -> None:
    """Tracks of one album that no session has together, one of them more often; another of the artist is elsewhere."""
    for n, (user, track) in enumerate([("ben", "t1"), ("cleo", "t2"), ("dan", "t1"), ("eva", "t3")]):
        await world.play(play(n, user, track, artist=BAND, album=DEBUT))
    await world.play(play(9, "fay", "single", artist=BAND))


async def small_of(world: SmallWorld, user: str) -> SmallRanking:
    small = SmallRanking(world.settings, world.store)
    await small.open(user, partition_of(user.encode(), world.settings.events_partitions), world.user(user)["row"])
    return small


async def test_an_album_has_a_row_of_the_tracks_that_plays_said_are_on_it() -> None:
    world = await opened()
    await heard_apart(world)
    row = row_of(world, BAND.upper(), " debut")
    assert row is not None and row.plays == 4
    assert [(dst, counts[1]) for dst, counts, _, _ in row.near] == [
        (id_hash(track, KEY), n) for track, n in (("t1", 2.0), ("t3", 1.0), ("t2", 1.0))
    ]
    about = msgspec.json.decode(world.store.redis.hash(key_of(world, BAND, DEBUT))["about"])
    assert about == {"album": hash_field(album_hash(BAND, DEBUT, KEY)), "plays": 4}


async def test_albums_of_one_name_are_as_many_as_artists_have_them() -> None:
    world = await opened()
    await world.play(play(0, "ana", "t1", artist="Nico", album="Hits"), play(1, "ben", "t2", artist="Nena", album="Hits"))
    assert len(album_keys(world)) == 2
    of_nico, of_nena = row_of(world, "Nico", "Hits"), row_of(world, "Nena", "Hits")
    assert of_nico is not None and of_nena is not None
    assert ([n[0] for n in of_nico.near], [n[0] for n in of_nena.near]) == ([id_hash("t1", KEY)], [id_hash("t2", KEY)])


@pytest.mark.parametrize(
    ("told", "items"),
    [
        ({"artist": BAND, "album": DEBUT}, 3),
        ({"artist": BAND}, 2),
        ({"artist": BAND, "album": " "}, 2),
        ({"album": DEBUT}, 1),
        ({"artist": " ", "album": DEBUT}, 1),
        ({"artist": BAND, "album": DEBUT, "ms_played": 1_000}, 1),
        ({"artist": BAND, "album": DEBUT, "private": True}, 0),
    ],
)
async def test_an_album_without_its_artist_says_nothing_and_who_names_none_sends_nothing_more(told: dict[str, object], items: int) -> None:
    world = await opened()
    await world.play(play(0, "ana", "t1") | told)
    assert (n_sent(world), len(album_keys(world))) == (items, items == 3)


async def test_the_next_owner_goes_on_with_the_row_that_stands() -> None:
    world, whole = await opened(), await opened()
    for n in range(12):
        for each in (world, whole):
            await each.play(play(n, f"u{n % 3}", f"t{n % 5}", artist=BAND, album=DEBUT))
        world.new_worker()
        await world.claim_all()
    assert world.store.redis.hash(key_of(world, BAND, DEBUT)) == whole.store.redis.hash(key_of(whole, BAND, DEBUT))
    row = row_of(world, BAND, DEBUT)
    assert row is not None and row.plays == 12


@pytest.mark.parametrize("anew", [False, True])
async def test_what_else_is_on_the_album_is_listed_with_the_play_that_brought_it(anew: bool) -> None:
    world = await opened()
    await heard_apart(world)
    if anew:  # nothing is in memory
        world.new_worker()
        await world.claim_all()
    await world.play(play(10, "ana", "never heard before", artist=BAND, album=DEBUT))
    entries = {entry["track_id"]: entry for entry in world.lists("ana")["next"]}
    assert {"t1", "t2", "t3", "single"} <= entries.keys()
    places = [list(entries).index(track) for track in ("t1", "t2", "t3", "single")]
    assert max(places[:3]) < places[3], "what is on the album says more than what else the artist made"
    for track in ("t2", "t3"):
        assert (entries[track]["source"], entries[track]["because"]) == ("album", ["never heard before"])
    assert entries["single"]["source"] in {"made", "popular"}


async def test_a_ranking_for_people_knows_the_album_behind_events_that_are_no_plays() -> None:
    world = await opened()
    await heard_apart(world)
    await world.play(play(10, "ana", "t9", artist=BAND, album=DEBUT), {"type": "like", "event_id": "l", "user_id": "ana", "track_id": "t2"})
    small = await small_of(world, "ana")
    found = await small.rank_without()
    i = found.place(id_hash("t3", KEY))
    t9 = id_hash("t9", KEY)
    assert i >= 0 and brought_by(found, i) == {t9: SESSION}
    reasons = await reasons_for(small, found, i)
    assert [part.source for part in reasons.parts if part.signal == "album"] == ["album"]
    assert [cause.track for cause in reasons.because] == [t9]
    small.ranker.reach.made[0], small.ranker.reach.album[0] = 1, 1
    said = beyond_reach(small, await small.rank_without(), id_hash("t3", KEY))
    assert said == "it is number 3 of the last track's album, of which the first 1 are read"


async def test_the_album_is_the_newest_plays_and_goes_with_it() -> None:
    world = await opened()
    expected = album_hash(BAND, DEBUT, KEY)

    def album() -> int:
        return user_row(world.user("ana")["row"]).album

    await world.play(play(5, "ana", "t1", artist=BAND, album=DEBUT))
    assert album() == expected
    await world.play(play(2, "ana", "t2", artist=BAND, album="Late"))
    assert album() == expected, "a late play is not the last"
    told = len(pure_part(world.user("ana")["row"]))
    await world.play({"type": "forget", "event_id": "f", "user_id": "ana", "track_id": "t1"})
    assert album() == 0
    assert len(pure_part(world.user("ana")["row"])) == told - 17 - 8 + 8, "a play and an album less, an event's id more"
    await world.play(play(6, "ana", "t1", artist=BAND, album=DEBUT))
    await world.play(play(7, "ana", "t3", artist=BAND))
    assert album() == 0, "the last play named none"
    await world.play(play(8, "ana", "t1", artist=BAND, album=DEBUT), {"type": "erase", "event_id": "x", "user_id": "ana"})
    assert not world.user("ana")
    await world.play(play(9, "ana", "t4"))
    assert album() == 0
