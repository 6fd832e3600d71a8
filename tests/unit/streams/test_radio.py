"""`segue radio`: no repeats, artists apart, near the seed, the same again, and nothing that the user blocked."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

import numpy as np
import pytest

from console.artists import Artists, ReadBefore
from streams.radio import LIKE, Chosen, Radio, Seed, seed_of, seed_of_user
from streams.radio_rules import Rules
from streams.small_ranking import SmallRanking
from tests.recorded_log import RecordedLog, audience_log
from tests.small_world import play

N_PLAYS, N_USERS, N_SEEDS = 4_000, 40, 8
NOBODY = Artists({})


class Played(NamedTuple):
    """What was recorded, the seeds that tests use, and who made what."""

    recorded: RecordedLog
    seeds: list[str]
    artists: Artists

    async def world(self) -> SmallRanking:
        world = SmallRanking(self.recorded.settings, self.recorded.store)
        await world.open("", 0, None)
        return world

    def sequence(self, track: str, rules: Rules, *, known: bool = True) -> tuple[list[str], list[Chosen], Radio]:
        """A radio from `track`: ids, entries, and the radio itself."""

        async def made() -> tuple[list[str], list[Chosen], Radio]:
            world = await self.world()
            seed = await seed_of(world, [world.names.hash(track)])
            radio = Radio(world, seed, rules, ReadBefore(self.artists if known else NOBODY))
            chosen = await radio.play()
            return [str(world.names.id(one.track)) for one in chosen], chosen, radio

        return asyncio.run(made())


@pytest.fixture(scope="module")
def played() -> Played:
    recorded = asyncio.run(RecordedLog(audience_log(N_PLAYS, N_USERS)).run())
    plays: dict[str, int] = {}
    for event in recorded.events:
        plays[event["track_id"]] = plays.get(event["track_id"], 0) + 1
    often = sorted((track for track, n in plays.items() if n >= 5), key=lambda track: (plays[track], track))
    seeds = [str(track) for track in np.random.default_rng(1).permutation(often)[:N_SEEDS]]
    return Played(recorded, seeds, Artists({event["track_id"]: event["artist"] for event in recorded.events}))


def _closest(artists: list[str | None]) -> int:
    """Least distance of two tracks by one artist."""
    apart = [b - a for a in range(len(artists)) for b in range(a + 1, len(artists)) if artists[a] == artists[b]]
    return min(apart, default=len(artists))


def test_nothing_is_repeated_and_artists_stay_apart_where_they_are_known(played: Played) -> None:
    unknown = []
    for track in played.seeds:
        for spacing in (5, 12):
            names, _, _ = played.sequence(track, Rules(spacing=spacing))
            assert len(names) == 50 == len({*names, track}) - 1
            assert _closest([played.artists.key(name) for name in [track, *names]]) > spacing
        names, _, _ = played.sequence(track, Rules(), known=False)
        unknown.append(_closest([played.artists.key(name) for name in names]))
    assert min(unknown) == 1, "without the rule an artist follows upon himself"


def test_a_radio_stays_near_its_seed_as_far_as_it_may_drift(played: Played) -> None:
    near: dict[float, list[float]] = {}
    genre: dict[float, list[bool]] = {}
    far: dict[float, list[bool]] = {}
    for track in played.seeds:
        for drift in (0.0, 0.5, 1.0):
            names, chosen, radio = played.sequence(track, Rules(drift=drift))
            assert all(one.far or one.near >= radio.floor for one in chosen)
            assert (radio.floor == -1.0) == (drift == 1.0)
            near.setdefault(drift, []).append(float(np.mean([one.near for one in chosen if not one.far][-20:])))
            genre.setdefault(drift, []).extend(name.split("-")[1] == track.split("-")[1] for name in names)
            far.setdefault(drift, []).extend(one.far for one in chosen)
    mean = {drift: float(np.mean(values)) for drift, values in near.items()}
    assert mean[0.0] > mean[0.5] > mean[1.0] + 0.15, "the last tracks too, but for what is far where near ones ran out"
    assert np.mean(far[0.5]) < 0.15 and not any(far[1.0])
    assert np.mean(genre[0.5]) > 2 * np.mean(genre[1.0])


def test_what_is_far_is_the_nearest_that_is_left(played: Played) -> None:
    _, chosen, radio = played.sequence(played.seeds[0], Rules(drift=0.0))
    far = [one for one in chosen if one.far]
    assert far and all(one.near < radio.floor for one in far)


def test_the_same_state_gives_the_same_sequence(played: Played) -> None:
    for track in played.seeds[:3]:
        first, again = (played.sequence(track, Rules())[:2] for _ in range(2))
        assert first == again


def test_each_step_flows_from_the_steps_before(played: Played) -> None:
    for track in played.seeds[:4]:
        names, chosen, radio = played.sequence(track, Rules())
        flowing = [one for one in chosen if one.source != LIKE]
        assert len(flowing) > 0.8 * len(chosen) and all(one.chance > 0 for one in flowing)
        known = {track, *names}
        assert all(str(radio._world.names.id(cause)) in known for one in chosen for cause in one.because)


async def test_a_users_radio_goes_on_with_the_session_and_never_plays_what_is_blocked_or_was_just_heard() -> None:
    recorded = await RecordedLog(audience_log(N_PLAYS // 4, N_USERS // 4)).run()
    user = sorted(recorded.of_user())[0]

    async def sequence() -> list[str]:
        world = await recorded.open(user)
        row = world.users.encode(world.users.slots([user]))
        chosen = await Radio(world, seed_of_user(world), Rules(20), ReadBefore(NOBODY)).play()
        assert world.history[0][-20:].tolist() == [one.track for one in chosen], "what was chosen counts as played"
        world.put_back()
        assert world.users.encode(world.users.slots([user])) == row, "the user is a copy, and as before"
        return [str(world.names.id(one.track)) for one in chosen]

    before = await sequence()
    session = [event["track_id"] for event in recorded.of_user()[user] if event["session_id"] == recorded.of_user()[user][-1]["session_id"]]
    assert len(before) == 20 and not {*before} & {*session}
    listed = [name for name in recorded.tracks(user) if name not in session]
    assert before[0] in listed
    await recorded.play({"type": "block", "event_id": "b", "user_id": user, "track_id": before[0]})
    assert before[0] not in await sequence()
    await recorded.worker.close()


async def test_a_radio_ends_where_nothing_is_left_and_a_track_without_company_leads_nowhere() -> None:
    recorded = RecordedLog([])
    await recorded.claim_all()
    await recorded.play(*(play(n, track=f"t{n % 4}") for n in range(8)), play(9, "ben", "alone", session_id="other"))
    world = SmallRanking(recorded.settings, recorded.store)
    await world.open("", 0, None)
    seed = await seed_of(world, [world.names.hash("t0")])
    chosen = await Radio(world, seed, Rules(), ReadBefore(NOBODY)).play()
    assert sorted(str(world.names.id(one.track)) for one in chosen) == ["alone", "t1", "t2", "t3"]
    assert [one.far for one in chosen if world.names.id(one.track) == "alone"] == [True]
    assert (await seed_of(world, [world.names.hash("alone")])).direction is None
    assert isinstance(seed, Seed)
    await recorded.worker.close()
