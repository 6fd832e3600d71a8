"""Weights of another release: a worker begins anew and says so, and who only reads is told what to do."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from online_models.weights import BadWeights
from online_models.weights import decode as decode_weights
from streams.small_ranking import SmallRanking
from tests.small_world import SMALL, SmallWorld, play


async def test_who_claims_weights_of_another_release_begins_anew_and_replaces_them() -> None:
    world = SmallWorld()
    await world.claim_all()
    await world.play(*(play(n, track=f"t{n % 3}") for n in range(12)))
    (record,) = world.append(play(12, track="t0"))
    key, redis = world.worker._keys.ranker(record.partition), world.store.redis
    stored = redis.string(key)
    assert stored is not None
    redis.write({key: b"\x01" + stored[1:]})
    before, row = world.worker.pipeline.weights, world.user("ana")["row"]
    assert before.lessons[0] > 0
    with pytest.raises(BadWeights, match="`segue rebuild`"):
        await SmallRanking(SMALL, world.store).open("ana", record.partition, row)

    await world.worker.close()
    world.new_worker()
    with capture_logs() as said:
        await world.claim_all()
    (refused,) = [entry for entry in said if entry["event"] == "weights refused"]
    assert refused["key"] == key and "`segue rebuild`" in refused["why"] and refused["log_level"] == "error"
    assert world.worker.pipeline.weights.lessons[0] == 0
    await world.handle([record])
    again = redis.string(key)
    assert again is not None and decode_weights(again).lessons[0] == world.worker.pipeline.weights.lessons[0]
