"""A fall of the live hit rate is a decision: stored with what it did to the weights, published once under one id, whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from infra.metrics import Metrics
from online_models.drift import Change
from online_models.weights import Weights
from online_models.weights import decode as decode_weights
from streams.observe import Measured
from streams.partitioner import partition_of
from streams.pending import decode
from tests.small_world import SMALL, SmallWorld, play

FALL = Change(0, 0.5, 0.45, 0.3)
TOPIC = ("segue.decisions", 0)


class Alarm:
    """Raises an alarm at the first play that was tested, and spoils the weights, as a real one opens them."""

    def __init__(self, weights: Weights) -> None:
        self.weights, self.raised = weights, False

    def judge(self, hits: Sequence[float]) -> list[Change]:
        if self.raised or not hits:
            return []
        self.raised = True
        self.weights.gate.square[:] = 7.0
        return [FALL]


@pytest.fixture
async def world() -> SmallWorld:
    """Somebody has a list; their next play is tested and raises the alarm."""
    world = SmallWorld()
    await world.claim_all()
    await world.play(play(0, track="a"))
    watch(world)
    return world


def watch(world: SmallWorld) -> None:
    pipeline = world.worker.pipeline
    pipeline.drift.watch = Alarm(pipeline.weights)


def told(world: SmallWorld) -> list[dict[str, Any]]:
    return [msgspec.json.decode(record.value or b"") for record in world.outbox.log.get(TOPIC, [])]


async def test_an_alarm_is_a_decision_about_the_event_that_tipped_it(world: SmallWorld) -> None:
    (record,) = world.append(play(1, track="b"))
    await world.handle([record])
    (decision,) = told(world)
    assert decision["model"] == "ranker" and decision["decision"] == "drift"
    assert decision["detail"] == {"measure": "hr20", "before": 0.5, "after": 0.3}
    assert decision["at"] == play(1)["played_at"]
    cursor = world.cursor(record.partition)
    incarnation, token = cursor["incarnation"].decode(), cursor["token"].decode()
    assert decision["decision_id"] == f"{incarnation}-ranker-{record.partition}-{record.offset}-{token[:8]}"
    (sent,) = world.outbox.log[TOPIC]
    headers = dict(sent.pairs())
    assert (sent.key, headers["ce_id"].decode(), headers["ce_source"]) == (b"ranker", decision["decision_id"], b"/segue/plays")
    await world.play(play(2, track="c"))
    assert len(told(world)) == 1


async def test_the_apply_that_tells_of_it_holds_the_weights_that_it_opened(world: SmallWorld) -> None:
    """A copy of before may be seconds old: whoever claims the partition would go on with small steps."""
    (record,) = world.append(play(1, track="b"))
    await world.handle([record])
    stored = world.store.redis.string(world.worker._keys.ranker(record.partition))
    assert stored is not None and (decode_weights(stored).gate.square == 7.0).any()


async def test_who_claims_after_a_crash_publishes_it_again_as_it_was(world: SmallWorld) -> None:
    world.outbox.cut(after=2)  # the list, one record more, and the broker is away
    (record,) = world.append(play(1, track="b"))
    await world.worker.receive(world.worker.events_topic, {record.partition: [record]})
    pending = world.worker._keys.user_pending(record.partition)
    while not decode(world.store.redis.string(pending) or b"").decided:
        await asyncio.sleep(0)
    await world.worker.close()
    world.outbox.mend()
    world.new_worker()
    await world.claim_all()
    first, *others = told(world)
    assert all(other == first for other in others)
    assert first["decision_id"] == decode(world.store.redis.string(pending) or b"").decided[0].decision_id


async def test_what_a_refused_apply_held_goes_along_with_the_next(world: SmallWorld) -> None:
    (record,) = world.append(play(1, track="b"))
    world.worker.user_partitions[record.partition].token = "0" * 16  # the cursor is another owner's
    await world.worker.receive(world.worker.events_topic, {record.partition: [record]})
    await world.worker.settle()
    assert told(world) == []
    assert len(world.worker.pipeline.drift.untold) == 1
    other = next(user for user in map("u{}".format, range(99)) if partition_of(user.encode(), SMALL.events_partitions) != record.partition)
    await world.play(play(0, other))
    assert len(told(world)) == 1
    assert world.worker.pipeline.drift.untold == []


async def test_alarms_are_counted_once_they_stand() -> None:
    metrics = Metrics("segue")
    world = SmallWorld()
    world.worker.pipeline._observe = world.worker._users._observe = Measured(metrics)
    await world.claim_all()
    watch(world)
    await world.play(play(0, track="a"))
    await world.play(play(1, track="b"))
    assert metrics.value("drift_alarms_total", model="ranker") == 1.0


async def test_where_it_is_off_nothing_is_watched() -> None:
    world = SmallWorld(msgspec.structs.replace(SMALL, drift=False))
    await world.claim_all()
    watch(world)
    for n in range(3):
        await world.play(play(n, track=f"t{n}"))
    assert told(world) == []


async def test_the_pending_of_a_build_before_is_read(world: SmallWorld) -> None:
    """It has no decisions; a claim by this build must not stop at it."""
    await world.play(play(1, track="b"))
    partition = next(p for p, log in world.log.items() if log)
    key = world.worker._keys.user_pending(partition)
    held = msgspec.msgpack.decode(world.store.redis.string(key) or b"")
    assert decode(msgspec.msgpack.encode(held[:-1])).decided == []
