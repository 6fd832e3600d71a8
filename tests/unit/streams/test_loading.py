"""Rows are read together with whose they are."""

from __future__ import annotations

import pytest

from online_models.items import OF_TRACK
from tests.small_world import SmallWorld, play


@pytest.fixture
async def played() -> SmallWorld:
    """Ana's rows stand in the store, and a worker that just started has none of them in memory."""
    world = SmallWorld()
    await world.claim_all()
    await world.play(play(0), play(1, track="t1"))
    await world.worker.close()
    world.new_worker()
    await world.claim_all()
    return world


def _taken_by_another(world: SmallWorld, cursor: str) -> None:
    world.store.redis.write({cursor: {**world.store.redis.hash(cursor), "token": b"an heir's"}})


@pytest.mark.parametrize("taken", [False, True])
async def test_a_user_row_under_another_token_is_not_loaded(played: SmallWorld, taken: bool) -> None:
    """Else a Redis that goes back to our token would take that row from us, in front of a cursor that does not know it."""
    worker = played.worker
    (n,) = (n for n in worker.user_partitions if played.cursor(n).get("applied"))
    ours = worker.user_partitions[n]
    if taken:
        _taken_by_another(played, worker._keys.user_cursor(n))
    await worker._loader.users({"ana": n}, 1)
    assert (worker.user_partitions.get(n) is ours) is not taken
    assert ("ana" in worker.user_rows.slot_of) is not taken
    await worker.close()


@pytest.mark.parametrize("taken", [False, True])
async def test_a_track_row_under_another_token_is_not_loaded(played: SmallWorld, taken: bool) -> None:
    worker = played.worker
    track = worker.names.hash("t0")
    q = track % played.settings.deltas_partitions
    ours = worker.track_partitions[q]
    if taken:
        _taken_by_another(played, worker._keys.track_cursor(q))
    await worker._loader.rows([track], OF_TRACK, 0, 1)
    assert (worker.track_partitions.get(q) is ours) is not taken
    assert len(worker.track_rows) == (0 if taken else 1)
    await worker.close()
