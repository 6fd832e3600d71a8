"""A record that ends the process is passed over after the third death, and only then."""

from __future__ import annotations

import pytest

from streams.plays import Plays
from tests.small_world import SmallWorld, play


class Deadly(Exception):
    """Stands for what no `except` catches: the process is gone."""


def arm(worker: Plays) -> None:
    """Let every round that holds the event `poison` end the worker."""
    handle = worker.pipeline.handle

    def deadly(taken, user_ids, events, at_ms):  # type: ignore[no-untyped-def]
        if any(event is not None and event.event_id == "poison" for t in taken for event in t.batch.events):
            raise Deadly
        return handle(taken, user_ids, events, at_ms)

    worker.pipeline.handle = deadly  # type: ignore[method-assign]


async def live_until_it_dies(world: SmallWorld) -> bool:
    """One process: claims, is given everything from its cursors on; True if it lived."""
    await world.worker.close()
    world.new_worker()
    arm(world.worker)
    positions = await world.claim_all()
    rest = [r for (topic, p), at in positions.items() if topic == world.worker.events_topic for r in world.log[p] if r.offset >= at]
    try:
        await world.handle(rest)
    except Exception:
        return False
    return world.worker._failed is None


@pytest.fixture
async def world() -> SmallWorld:
    world = SmallWorld()
    world.append(*(play(i, track=f"t{i}") for i in range(3)), play(3, event_id="poison"), *(play(i, track=f"t{i}") for i in range(4, 7)))
    return world


async def test_the_third_death_makes_a_verdict_and_nothing_else_is_lost(world: SmallWorld) -> None:
    lives = 0
    while not await live_until_it_dies(world):
        lives += 1
        assert lives < 12, "the log never gets past the record"
    assert world.count("applied") == 6 and world.count("rejected") == 1
    letters = [out for (topic, _), log in world.outbox.log.items() if topic.endswith("dead-letters") for out in log]
    assert [dict(out.pairs())["__dlq.errors.reason"] for out in letters] == [b"handler"]
    assert len(world.outbox.log["segue.internal.verdicts", 0]) == 1


async def test_a_replay_passes_over_the_same_record_without_dying(world: SmallWorld) -> None:
    while not await live_until_it_dies(world):
        pass
    world.store.redis.flush()
    assert await live_until_it_dies(world)
    assert (world.count("applied"), world.count("rejected")) == (6, 1)


async def test_claims_of_an_idle_partition_are_no_deaths(world: SmallWorld) -> None:
    for _ in range(5):
        await world.worker.close()
        world.new_worker()
        await world.claim_all()
        await world.worker.check_owned()
    assert all(p.careful == 0 for p in world.worker.user_partitions.values())
