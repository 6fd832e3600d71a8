"""New releases on the path of a play: read, drawn, explained; played enough, they are nothing new; blocked, they are not shown."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from infra.keys import Keys
from online_models.clusters.newest import New
from online_models.clusters.served import Cluster, Placed, Served
from online_models.micro_genres import NOWHERE, OTHERWISE
from online_models.releases import Releases
from streams.micro_genres import NONE_YET_MS, STALE_MS, ServedMicroGenres
from streams.names import Names
from streams.new_releases import PLAYS_MAX, NewReleases
from tests.events_log import PLAYED_MS
from tests.small_world import SMALL, SmallWorld, play

KEYS = Keys(SMALL.namespace)
SHARE = 0.5
NEW = [f"new{n}" for n in range(16)]
OTHER = [f"other{n}" for n in range(16)]
HEARD = 30
"""Tracks that were played; all of ana's are in micro-genre 4, which is gone into 7 by now."""


def serve(world: SmallWorld, newest: dict[int, list[str]], *, artist: str = "") -> None:
    """What a models worker would have written."""
    clusters = [Cluster(cluster, f"c{cluster}", 10, 0.5, "rock", {}, [], []) for cluster in (7, 9)]
    news = {cluster: [New(n, track, artist) for n, track in enumerate(tracks)] for cluster, tracks in newest.items()}
    served = msgspec.json.encode(Served("micro_genres", 1, 5_000, 4_000, clusters, [(4, 7)], news))
    told = {KEYS.answer("micro_genres", f"t{n}"): msgspec.json.encode(Placed(4, 10)) for n in range(HEARD)}
    world.store.redis.write({KEYS.serving("micro_genres"): served, **told})


async def a_world(newest: dict[int, list[str]], *, artist: str = "", plays: int = 0, **changes: Any) -> SmallWorld:
    """Everybody played thirty tracks, one after the other, and bob a new one `plays` times; then a worker starts and sees what is new."""
    settings = msgspec.structs.replace(SMALL, explore_share=SHARE, **changes)
    world = SmallWorld(settings)
    await world.claim_all()
    for user in ("bob", "eve"):
        await world.play(*(play(n, user, f"t{n}", event_id=f"{user}{n}") for n in range(HEARD)))
    await world.play(*(play(HEARD + n, "bob", NEW[0], event_id=f"n{n}") for n in range(plays)))
    await world.worker.close()
    serve(world, newest, artist=artist)
    world.new_worker()
    await world.claim_all()
    return world


def readers(world: SmallWorld, names: Names) -> tuple[ServedMicroGenres, NewReleases]:
    genres = ServedMicroGenres(world.settings, world.store, names)
    return genres, NewReleases(world.settings, world.store, names, genres)


async def releases_at(genres: ServedMicroGenres, releases: NewReleases, now_ms: int) -> Releases:
    return await releases.current(is_read=await genres.renew(now_ms))


async def ana_plays(world: SmallWorld, n: int = 12) -> list[dict[str, Any]]:
    """What comes to her from new releases."""
    for k in range(n):
        await world.play(play(k, "ana", f"t{k % 3}", event_id=f"a{k}"))
    lists = [told for told in world.published() if told["user_id"] == "ana"]
    assert len({told["recommendation_id"] for told in lists}) >= n and len(world.lists("ana")["discover"]) == 20
    return [entry for told in lists for entry in told["discover"] if entry["source"] == "releases"]  # type: ignore[attr-defined]


async def test_ana_meets_what_is_new_near_what_she_hears_and_is_told_by_which_plays() -> None:
    found = await ana_plays(await a_world({7: NEW, 9: OTHER}))
    assert found and {entry["track_id"] for entry in found} <= set(NEW)
    assert all(entry["because"] and set(entry["because"]) <= {"t0", "t1", "t2"} for entry in found)
    assert all(0.0 < entry["propensity"] < SHARE / 16 for entry in found)


async def test_who_switched_it_off_is_shown_none() -> None:
    assert not await ana_plays(await a_world({7: NEW, 9: OTHER}, new_releases=False))


@pytest.mark.parametrize(("plays", "is_new"), [(PLAYS_MAX, True), (PLAYS_MAX + 1, False)])
async def test_what_was_played_often_is_nothing_new(plays: int, is_new: bool) -> None:
    world = await a_world({7: NEW, 9: OTHER}, plays=plays)
    names = Names(1_000, SMALL.id_key.encode())
    found = await releases_at(*readers(world, names), 0)
    assert [len(set(row) - {0}) for row in found.track.tolist()] == [16 if is_new else 15, 16]
    assert (names.hash(NEW[0]) in found.track) == is_new


async def test_it_is_read_anew_after_a_while_and_learned_anew_when_names_were_forgotten() -> None:
    world = await a_world({7: NEW})
    names = Names(1_000, SMALL.id_key.encode())
    genres, releases = readers(world, names)
    await releases_at(genres, releases, 0)
    serve(world, {9: OTHER[:2]})
    assert names.hash(NEW[15]) in (await releases_at(genres, releases, STALE_MS - 1)).track
    names.clear()
    again = await releases_at(genres, releases, STALE_MS)
    assert set(again.track.ravel().tolist()) == {0, *names.hashes(OTHER[:2])} and names.id(names.hash(OTHER[1])) == OTHER[1]
    names.clear()
    await releases_at(genres, releases, STALE_MS)
    assert all(names.id(track) for track in again.track.ravel().tolist() if track)


async def test_the_first_micro_genres_are_seen_within_a_second() -> None:
    world = SmallWorld()
    genres, _ = readers(world, Names(1_000, SMALL.id_key.encode()))
    assert await genres.renew(0) and not len(genres.current().micro)
    serve(world, {7: NEW})
    assert not await genres.renew(NONE_YET_MS - 1)
    assert await genres.renew(NONE_YET_MS) and len(genres.current().micro)
    assert not await genres.renew(2 * NONE_YET_MS)


async def test_where_a_track_belongs_is_asked_once_and_again_when_the_clusters_are_others() -> None:
    world = await a_world({7: NEW})
    names = Names(1_000, SMALL.id_key.encode())
    genres, releases = readers(world, names)
    now, tracks = await releases_at(genres, releases, 0), names.hashes(["t0", "stranger"])
    assert await genres.ask(tracks) == 2
    place = {track: slot for slot, track in enumerate(names.hashes([*NEW[::-1], "t0", "stranger"]))}
    where = [int(names.cluster[place[track]]) for track in tracks]
    assert where == [4, NOWHERE] and now.row[4] == now.row[7] == 0 and now.row[9] == NOWHERE
    assert not names.without_cluster(tracks)
    serve(world, {9: OTHER})
    await releases_at(genres, releases, STALE_MS)
    assert [track for track, _ in names.without_cluster(tracks)] == tracks
    assert [int(names.cluster[place[track]]) for track in tracks] == [OTHERWISE - 4, OTHERWISE - NOWHERE], "good until somebody asks"
    await genres.ask(tracks)
    assert [int(names.cluster[place[track]]) for track in tracks] == [4, NOWHERE]


@pytest.mark.parametrize(("blocked", "shows"), [("KABÁT", False), ("Olympic", True)])
async def test_nobody_sees_new_tracks_of_an_artist_who_is_blocked(blocked: str, shows: bool) -> None:
    world = await a_world({7: NEW}, artist="Kabát")
    await world.play({"event_id": "b", "user_id": "ana", "type": "block", "artist": blocked, "at": PLAYED_MS})
    assert bool(await ana_plays(world)) == shows


async def test_what_is_damaged_is_passed_over() -> None:
    world = await a_world({})
    world.store.redis.write({KEYS.serving("micro_genres"): b"{torn"})
    world.new_worker()
    await world.claim_all()
    assert not await ana_plays(world)
