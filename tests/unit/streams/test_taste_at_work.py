"""What the user leans to reaches the ranker: clusters that are served become features, are learned from, and are told by `segue why`."""

from __future__ import annotations

import asyncio

import msgspec
import numpy as np
import pytest

from online_models import rankings as kept
from online_models.bilinear import Bilinear
from online_models.features import FEATURES
from streams.absences import chances
from streams.reasons import LEANS, lean_of, reasons_for
from tests.genres_of_an_audience import UNKNOWN, genre_of, served
from tests.recorded_log import SETTINGS, RecordedLog, audience_log

N_PLAYS, N_USERS = 1_500, 16
LOG = audience_log(N_PLAYS, N_USERS)


def with_catalogue(*, taste: bool) -> RecordedLog:
    world = RecordedLog(LOG, msgspec.structs.replace(SETTINGS, taste=taste))
    world.store.redis.write(served(SETTINGS.namespace, {str(play["track_id"]) for play in LOG}))
    return world


def learned(weights: Bilinear) -> bool:
    return bool(all((weights.weight[:, FEATURES.index(name)] != 0.0).any() for name in LEANS))


@pytest.fixture(scope="module")
def recorded() -> RecordedLog:
    return asyncio.run(with_catalogue(taste=True).run())


async def test_the_ranker_sees_where_tracks_belong_and_learns_from_it(recorded: RecordedLog) -> None:
    assert learned(recorded.worker.pipeline.weights.bilinear)
    off = await with_catalogue(taste=False).run()
    assert not any((off.worker.pipeline.weights.bilinear.weight[:, FEATURES.index(name)] != 0.0).any() for name in LEANS)
    for world, is_on in ((recorded, True), (off, False)):
        rows = world.worker.pipeline._ranker.rankings.track[:, [kept.GENRE, kept.MICRO]]
        assert rows.any() == is_on


async def test_why_ranks_with_what_the_worker_ranks_with() -> None:
    """Once every candidate was asked about, which takes some rounds."""
    world = await with_catalogue(taste=True).run()
    users = sorted(world.of_user())
    for n in range(12):
        await world.play(*({"type": "resume", "event_id": f"r{n}-{user}", "user_id": user} for user in users))
    for user in users:
        found_in = await world.open(user)
        found = await found_in.rank_without()
        assert found.x[[FEATURES.index(name) for name in LEANS]].any(), user
        mine = [(found_in.names.id(int(found.key[i])), round(float(chances(found, "next")[i]), 5)) for i in found.next]
        assert mine == [(entry["track_id"], entry["score"]) for entry in world.lists(user)["next"]], user


async def test_why_says_what_somebody_leans_to(recorded: RecordedLog) -> None:
    n_told = 0
    for user in sorted(recorded.of_user()):
        world = await recorded.open(user)
        found = await world.rank_without()
        for i in found.next[:3].tolist():
            track = world.names.id(int(found.key[i])) or ""
            reasons = await reasons_for(world, found, i)
            cluster = None if reasons.lean is None else world.micro_genre(reasons.lean.cluster)
            assert (cluster is None) == (genre_of(track) == UNKNOWN)
            if cluster is None or reasons.lean is None:
                continue
            assert cluster.name == f"micro {genre_of(track)}"
            assert reasons.lean.ahead == pytest.approx(sum(f.ahead for f in reasons.features if f.feature in LEANS))
            session = [genre_of(world.names.id(int(key)) or "") for key in found.session]
            weights = np.array([0.8**k * (genre != UNKNOWN) for k, genre in enumerate(session)])
            mine = weights @ [genre == genre_of(track) for genre in session]
            assert reasons.lean.micro_share == pytest.approx(mine / weights.sum() if weights.any() else 0.0, abs=1e-3)
            n_told += 1
        unseen = next((k for k in range(len(found.key)) if k not in found.chosen), None)
        assert unseen is None or lean_of(found, unseen, []) is None
    assert n_told > N_USERS
