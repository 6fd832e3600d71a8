"""What `segue why` says is true: parts add up, the ranking is the worker's own, and named plays brought the entry."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

import numpy as np
import pytest
from numpy.random import Generator

from online_models import signals
from online_models.features import FEATURES
from online_models.items import SKIPPED
from streams.absences import DISCOVER, NEXT, chances, standing
from streams.ids import id_hash
from streams.reasons import ITSELF, Reasons, brought_by, reasons_for
from streams.small_ranking import Ranked, SmallRanking
from tests.recorded_log import SETTINGS, RecordedLog, audience_log, replay

N_PLAYS, N_USERS = 2_000, 24
N_WHOLE = 8
"""Replays of the whole log through a worker."""
KEY = SETTINGS.id_key.encode()


class Opened(NamedTuple):
    """A user's rows in memory, and the ranking that they make."""

    user: str
    world: SmallRanking
    found: Ranked


@pytest.fixture(scope="module")
def recorded() -> RecordedLog:
    return asyncio.run(RecordedLog(audience_log(N_PLAYS, N_USERS)).run())


@pytest.fixture(scope="module")
def opened(recorded: RecordedLog) -> list[Opened]:
    async def open_all() -> list[Opened]:
        worlds = {user: await recorded.open(user) for user in sorted(recorded.of_user())}
        return [Opened(user, world, await world.rank_without()) for user, world in worlds.items()]

    return asyncio.run(open_all())


async def test_a_small_ranking_is_what_the_worker_publishes_next() -> None:
    recorded = await RecordedLog(audience_log(N_PLAYS // 2, N_USERS)).run()
    for user in sorted(recorded.of_user()):
        world = await recorded.open(user)
        found = await world.rank_without()
        await recorded.play({"type": "unblock", "event_id": f"after-{user}", "user_id": user, "track_id": "never-blocked"})
        for name, listed in (("next", found.next), ("discover", found.discover)):
            mine = [(world.names.id(int(found.key[i])), round(float(chances(found, name)[i]), 5)) for i in listed]
            assert mine == [(entry["track_id"], entry["score"]) for entry in recorded.lists(user)[name]], (user, name)
    await recorded.worker.close()


def test_parts_of_stage_1_and_features_of_stage_2_add_up(opened: list[Opened]) -> None:
    for _, world, found in opened:
        for i in found.next[:5].tolist():
            reasons = asyncio.run(reasons_for(world, found, i))
            assert sum(part.gives for part in reasons.parts) == pytest.approx(found.score[i], rel=1e-5)
            m = found.chosen.tolist().index(i)
            totals = found.weight @ found.x
            assert sum(feature.gives for feature in reasons.features) == pytest.approx(totals[m], rel=1e-4)
            assert len({f.feature for f in reasons.features} - set(FEATURES)) == 0
        chances = np.exp(totals - totals.max()) / np.exp(totals - totals.max()).sum()
        undamped = [m for m, i in enumerate(found.chosen) if found.chance[i] == pytest.approx(chances[m], rel=1e-3)]
        assert len(undamped) > 0.5 * len(totals), "features add up to the score whose softmax is the chance"


def test_a_replay_of_the_whole_log_of_a_user_is_their_ranking(recorded: RecordedLog, opened: list[Opened]) -> None:
    """To the last bit: what a replay without some plays says differs by these plays alone."""
    for user, world, found in opened:
        again = replay(world, recorded.of_user()[user], keep_pulse=True)
        assert np.array_equal(again.key, found.key) and np.array_equal(again.chance, found.chance)


def test_plays_near_which_the_user_played_it_in_earlier_sessions_are_named(opened: list[Opened]) -> None:
    n_named = 0
    for _, world, found in opened:
        world.put_back()
        (tracks, _, flags), session = world.history, set(found.session.tolist())
        earlier = tracks[: len(tracks) - world.session_n].tolist()
        for i in np.flatnonzero(found.signal[signals.OWN_NEAR]).tolist():
            places = [j for j, track in enumerate(earlier) if track == found.key[i] and not flags[j] & SKIPPED]
            near = {track for j in places for track in (*earlier[max(0, j - 10) : j], *earlier[j + 1 : j + 11])} & session
            named = brought_by(found, i)
            assert near and near <= named.keys() and named[int(found.key[i])] == ITSELF
            n_named += 1
    assert n_named > 50


def _entry(rng: Generator, opened: list[Opened]) -> tuple[Opened, int]:
    """A random entry of a random list."""
    while True:
        some = opened[rng.integers(len(opened))]
        listed = some.found.next if rng.random() < 0.5 else some.found.discover
        if len(listed):
            return some, int(listed[rng.integers(len(listed))])


def _chance(found: Ranked, key: int) -> float:
    i = found.place(key)
    return float(found.chance[i]) if i >= 0 else 0.0


class Tally:
    """Entries whose named plays were taken out of their user's log, and what a replay of the rest said."""

    def __init__(self, recorded: RecordedLog) -> None:
        self._logs = recorded.of_user()
        self._before: dict[tuple[str, bool], Ranked] = {}
        self.named = self.unnamed = self.popular = self.held = self.held_anew = self.control = 0

    def take(self, some: Opened, i: int, reasons: Reasons, rng: Generator) -> None:
        key = int(some.found.key[i])
        if not reasons.because:
            self.unnamed += 1
            self.popular += bool(some.found.signal[signals.POPULAR, i] > 0)
            return
        self.named += 1
        tracks = {cause.track for cause in reasons.because}
        self.held += self._lower(some, key, tracks, keep_pulse=True)
        self.held_anew += self._lower(some, key, tracks, keep_pulse=False)
        others = sorted({id_hash(play["track_id"], KEY) for play in self._logs[some.user]} - tracks)
        self.control += self._lower(some, key, set(rng.permutation(others)[: len(tracks)].tolist()), keep_pulse=True)

    def _lower(self, some: Opened, key: int, without: set[int], *, keep_pulse: bool) -> bool:
        log = self._logs[some.user]
        if (some.user, keep_pulse) not in self._before:
            self._before[some.user, keep_pulse] = replay(some.world, log, keep_pulse=keep_pulse)
        left = [play for play in log if id_hash(play["track_id"], KEY) not in without]
        after = replay(some.world, left, keep_pulse=keep_pulse)
        return _chance(after, key) < _chance(self._before[some.user, keep_pulse], key)


@pytest.mark.parametrize("n", [100, pytest.param(1_000, marks=pytest.mark.slow)])
async def test_without_the_named_plays_a_replay_of_the_users_log_has_the_entry_lower_or_not_at_all(
    recorded: RecordedLog, opened: list[Opened], n: int
) -> None:
    rng, tally = np.random.default_rng(1), Tally(recorded)
    for _ in range(n):
        some, i = _entry(rng, opened)
        tally.take(some, i, await reasons_for(some.world, some.found, i), rng)
    assert tally.named + tally.unnamed == n and tally.named >= 0.85 * n, "of 1,000 it is 881"
    assert tally.unnamed - tally.popular <= 0.03 * n, "what has no plays of the user behind it is there for what everybody plays"
    assert tally.held >= 0.98 * tally.named, vars(tally)
    assert tally.held_anew >= 0.95 * tally.named, "the user's running means change with the plays, which may outweigh a weak cause"
    assert tally.control <= 0.5 * tally.named, "as many other plays do not do: the test can fail"


async def test_without_the_named_plays_a_replay_of_everything_has_the_entry_lower_or_not_at_all(
    recorded: RecordedLog, opened: list[Opened]
) -> None:
    """The tracks' tables lack the plays too, and so does whatever the ranker learned of them."""
    rng, lower = np.random.default_rng(2), list[bool]()
    while len(lower) < N_WHOLE:
        some, i = _entry(rng, opened)
        reasons = await reasons_for(some.world, some.found, i)
        if not reasons.because:
            continue
        names = {some.world.names.id(cause.track) for cause in reasons.because}
        again = RecordedLog([play for play in recorded.events if play["user_id"] != some.user or play["track_id"] not in names])
        world = await (await again.run()).open(some.user)
        lower.append(_chance(await world.rank_without(), int(some.found.key[i])) < reasons.chance)
        await again.worker.close()
    assert sum(lower) >= N_WHOLE - 1, "other causes may come forward"


async def test_what_is_not_in_a_list_says_why(opened: list[Opened]) -> None:
    _, world, found = opened[0]
    first = int(found.key[found.next[0]])
    assert standing(world, found, first, NEXT) == (1, "")
    played = next(int(found.key[i]) for i in found.next if found.signal[signals.TIMES, i] > 0)
    assert standing(world, found, played, DISCOVER).why_not.startswith("the user played it before")
    last = int(found.key[np.argmin(found.chance)])
    place, why_not = standing(world, found, last, NEXT)
    assert place is None and why_not.startswith("it is number ") and "a list has 20 entries" in why_not
    stranger = standing(world, found, world.names.hash("a track that nobody plays"), NEXT)
    assert stranger.why_not.startswith("no source proposes it: it is not among")


async def test_blocks_and_skips_and_what_is_beyond_reach_are_said() -> None:
    recorded = await RecordedLog(audience_log(N_PLAYS // 2, N_USERS)).run()
    user = sorted(recorded.of_user())[0]
    blocked, skipped = (str(track) for track in recorded.tracks(user)[:2])
    last = dict(recorded.of_user()[user][-1])
    skip = {"event_id": "s", "track_id": skipped, "ms_played": 1_000, "reason_end": "fwdbtn", "played_at": last["played_at"] + 1_000}
    await recorded.play(
        {"type": "block", "event_id": "b", "user_id": user, "track_id": blocked},
        *({**last, **skip, "event_id": f"skip-{n}"} for n in range(6)),
    )
    world = await recorded.open(user)
    found = await world.rank_without()
    for name in (NEXT, DISCOVER):
        assert standing(world, found, world.names.hash(blocked), name) == (None, "the user disliked or blocked it")
    assert "skipped 6 times lately" in standing(world, found, world.names.hash(skipped), NEXT).why_not
    await recorded.worker.close()
    near = world.tracks.arrays.neighbours
    asked = int(found.session[0])
    slot = int(world.tracks.slots(np.array([asked]))[0])
    stranger = world.names.hash("a track far down the row")
    near.dst[slot, near.n[slot] - 1] = stranger
    world.ranker.reach.neighbours[0] = near.n[slot] - 1
    assert f"it is neighbour {near.n[slot]} of {world.names.id(asked)}" in standing(world, found, stranger, NEXT).why_not
